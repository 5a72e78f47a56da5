// A camera that goes around a point: drag, wheel, or arrow keys and plus and minus.

const START = { turn: 0, rise: 0.1, far: 3.5 };

export function orbit(canvas, camera, height) {
  const state = { ...START };
  const fit = () => {
    state.rise = Math.min(1.4, Math.max(-0.4, state.rise));
    state.far = Math.min(9, Math.max(1.2, state.far));
  };
  const drag = (event) => {
    if (!(event.buttons & 1)) return;
    state.turn -= event.movementX * 0.008;
    state.rise += event.movementY * 0.006;
    fit();
  };
  const grab = (event) => canvas.setPointerCapture(event.pointerId);
  const wheel = (event) => { event.preventDefault(); state.far *= Math.exp(event.deltaY * 0.001); fit(); };
  const key = (event) => {
    const step = { ArrowLeft: ["turn", 0.12], ArrowRight: ["turn", -0.12], ArrowUp: ["rise", 0.08], ArrowDown: ["rise", -0.08], "+": ["far", -0.3], "-": ["far", 0.3] }[event.key];
    if (event.key === "Home") Object.assign(state, START);
    else if (step) state[step[0]] += step[1];
    else return;
    event.preventDefault();
    fit();
  };
  canvas.addEventListener("pointerdown", grab);
  canvas.addEventListener("pointermove", drag);
  canvas.addEventListener("wheel", wheel, { passive: false });
  canvas.addEventListener("keydown", key);
  return {
    place() {
      const { turn, rise, far } = state;
      const out = far * Math.cos(rise);
      // Robots look along +x of their own world, which is +x here, too: the camera stands before them.
      camera.position.set(out * Math.cos(turn), height + far * Math.sin(rise), out * Math.sin(turn));
      camera.lookAt(0, height * 0.93, 0);
    },
    close() { canvas.removeEventListener("wheel", wheel); },
  };
}
