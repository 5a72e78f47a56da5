// Two bodies side by side, live: the robot's own joints and the canonical body.
import * as THREE from "../vendor/three.module.min.js";
import { el } from "./dom.js";
import { orbit } from "./orbit.js";
import { canonicalBody, nativeBody } from "./skeleton.js";
import { colour } from "./theme.js";

const FRAME_MS = 33;
const APART_M = 0.55;
const FACING_RAD = 0.45;
const MAX_MARKS = 4;

export function makeBodies(document_) {
  const canvas = el("canvas", { role: "img", tabindex: "0", "aria-label": "The robot beside the canonical body; arrow keys turn, plus and minus zoom" });
  const node = el("div", { class: "bodies" }, canvas);
  let renderer;
  try {
    renderer = new THREE.WebGLRenderer({ canvas, antialias: true, alpha: true, powerPreference: "low-power" });
  } catch {
    node.replaceChildren(el("p", { class: "empty" }, "This browser has no WebGL: the bodies cannot be drawn."));
    return { node, show() {}, mark() {}, close() {} };
  }
  const scene = new THREE.Scene();
  const world = new THREE.Group();
  world.rotation.x = -Math.PI / 2;
  scene.add(world, new THREE.HemisphereLight(0xffffff, 0x556677, 1.7));
  const sun = new THREE.DirectionalLight(0xffffff, 1.9);
  sun.position.set(2.5, 4, 3);
  scene.add(sun);
  const paint = { own: material(), canonical: material(), error: material(), warning: material() };
  const grid = new THREE.GridHelper(4, 16);
  grid.material.transparent = true;
  grid.material.opacity = 0.35;
  scene.add(grid);
  const capsule = (mine) => (from, to, thick) => bone(from, to, mine, thick);
  const native = document_.native && nativeBody(document_.native, capsule(paint.own));
  const canonical = canonicalBody(document_, capsule(paint.canonical), (at, radius) => ball(at, radius, paint.canonical));
  const side = native ? APART_M : 0;
  const stand = new THREE.Group();
  stand.position.set(0, -side, 0);
  stand.rotation.z = FACING_RAD;
  if (native) { stand.add(native.root); world.add(stand); }
  const other = new THREE.Group();
  other.position.set(0, side, 0);
  other.rotation.z = FACING_RAD;
  canonical.root.position.set(0, 0, canonical.height);
  other.add(canonical.root);
  world.add(other);
  const spots = new Map();
  if (native) for (const [name, joint] of native.joints) {
    const spot = ball(new THREE.Vector3(), joint.thick * 0.024, paint.own);
    joint.node.add(spot);
    spots.set(name, spot);
  }
  const labels = [native && el("span", { class: "label" }, document_.embodiment), el("span", { class: "label" }, "canonical body")].filter(Boolean);
  const marks = Array.from({ length: MAX_MARKS }, () => el("span", { class: "mark", hidden: true }));
  node.append(...labels, ...marks);
  const camera = new THREE.PerspectiveCamera(32, 1, 0.1, 30);
  const view = orbit(canvas, camera, canonical.height * 0.98);
  const aim = { joints: new Map(), angles: [], base: new THREE.Quaternion() };
  const now = { joints: new Map(), angles: [], base: new THREE.Quaternion() };
  let struck = [], running = true, drawnAt = 0, channels = document_.channels;

  function recolour() {
    paint.own.color.set(colour("ink-3"));
    paint.canonical.color.set(colour("accent"));
    paint.error.color.set(colour("bad-mark"));
    paint.warning.color.set(colour("warn-mark"));
    grid.material.color.set(colour("ink-3"));
    grid.material.vertexColors = false;
    grid.material.needsUpdate = true;
  }

  function step(at) {
    if (!running) return;
    requestAnimationFrame(step);
    if (at - drawnAt < FRAME_MS || document.hidden || !node.isConnected) return;
    drawnAt = at;
    for (const [name, value] of aim.joints) now.joints.set(name, eased(now.joints.get(name), value));
    now.angles = aim.angles.map((value, i) => eased(now.angles[i], value));
    now.base.slerp(aim.base, 0.35);
    if (native) { native.set(now.joints); native.place(canonical.height, now.base); }
    canonical.set(now.angles);
    canonical.root.quaternion.copy(now.base);
    const { clientWidth: width, clientHeight: height } = node;
    if (!width || !height) return;
    const size = renderer.getSize(new THREE.Vector2());
    if (size.x !== width || size.y !== height) { renderer.setSize(width, height, false); renderer.setPixelRatio(Math.min(devicePixelRatio, 2)); }
    camera.aspect = width / height;
    view.place();
    camera.updateProjectionMatrix();
    renderer.render(scene, camera);
    const feet = native ? [new THREE.Vector3(0, 0, side), new THREE.Vector3(0, 0, -side)] : [new THREE.Vector3()];
    labels.forEach((label, i) => pin(label, feet[i].setY(-0.03), camera, width, height));
    struck.forEach(({ spot }, i) => pin(marks[i], spot.getWorldPosition(new THREE.Vector3()), camera, width, height));
  }

  recolour();
  addEventListener("themechange", recolour);
  requestAnimationFrame(step);
  return {
    node,
    show(chunk) {
      channels.forEach((channel, c) => {
        const value = chunk.position.at(-1)[c];
        if (channel.joint && typeof value === "number") aim.joints.set(channel.joint, value);
      });
      aim.angles = chunk.angle;
      const base = chunk.base;
      if (base?.every((value) => typeof value === "number") && Math.hypot(...base) > 0.5) aim.base.set(base[1], base[2], base[3], base[0]).normalize();
    },
    // Joints that the checks struck: larger, in their colour, with their name.
    mark(found) {
      for (const { spot } of struck) { spot.material = paint.own; spot.scale.setScalar(1); }
      struck = found.filter(({ joint }) => spots.has(joint)).slice(0, MAX_MARKS).map(({ joint, severity, words }) => ({ spot: spots.get(joint), severity, words }));
      marks.forEach((mark, i) => {
        const one = struck[i];
        mark.hidden = !one;
        if (!one) return;
        one.spot.material = paint[one.severity] ?? paint.warning;
        one.spot.scale.setScalar(2.4);
        mark.textContent = one.words;
        mark.dataset.tone = one.severity === "error" ? "bad" : "warn";
      });
    },
    close() {
      running = false;
      removeEventListener("themechange", recolour);
      view.close();
      scene.traverse((object) => object.geometry?.dispose());
      for (const one of Object.values(paint)) one.dispose();
      renderer.dispose();
      renderer.forceContextLoss();
    },
  };
}

const eased = (before, after) => (typeof before === "number" && typeof after === "number" ? before + (after - before) * 0.35 : after);
const material = () => new THREE.MeshStandardMaterial({ roughness: 0.55, metalness: 0.15 });

function bone(from, to, paint, thick) {
  const along = to.clone().sub(from), length = along.length();
  const radius = Math.min(0.042, Math.max(0.02, length * 0.13)) * thick;
  const mesh = new THREE.Mesh(new THREE.CapsuleGeometry(radius, Math.max(length, 1e-4), 4, 10), paint);
  mesh.position.copy(from).addScaledVector(along, 0.5);
  mesh.quaternion.setFromUnitVectors(new THREE.Vector3(0, 1, 0), length > 1e-9 ? along.normalize() : new THREE.Vector3(0, 1, 0));
  return mesh;
}

function ball(at, radius, paint) {
  const mesh = new THREE.Mesh(new THREE.SphereGeometry(radius, 16, 12), paint);
  mesh.position.copy(at);
  return mesh;
}

function pin(label, point, camera, width, height) {
  const seen = point.project(camera);
  label.style.left = `${((seen.x + 1) / 2) * width}px`;
  label.style.top = `${((1 - seen.y) / 2) * height}px`;
}
