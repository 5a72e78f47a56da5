// Bodies as trees of three.js nodes: a robot's own joints, and the canonical segments.
import * as THREE from "../vendor/three.module.min.js";

const AXES = { X: new THREE.Vector3(1, 0, 0), Y: new THREE.Vector3(0, 1, 0), Z: new THREE.Vector3(0, 0, 1) };
const LEAST_BONE_M = 0.012;
const FINGER = 0.3;
const PALM = 0.5;

// Where the key points of a person of 1.7 m lie, from one to the next; for robots without geometry.
const HUMAN = {
  torso: [0, 0, 0.12], head: [0, 0, 0.4], upper_arm: [0, 0.19, 0.33], forearm: [0, 0, -0.28], hand: [0, 0, -0.25],
  thigh: [0, 0.09, 0], shank: [0, 0, -0.41], foot: [0, 0, -0.4], hand_end: [0, 0, -0.1], foot_end: [0.06, 0, -0.06],
};
const THICK = { torso: 2, head: 1.1 };
const quaternion = ([w, x, y, z]) => new THREE.Quaternion(x, y, z, w);
const vector = (values) => new THREE.Vector3(...values);

// A robot's own joint tree. `set` takes joint values by name and places it by its pelvis.
export function nativeBody(native, bone) {
  const root = new THREE.Group();
  const links = new Map([[native.root, root]]);
  const joints = new Map();
  const palms = new Set(["left_hand", "right_hand"].map((name) => native.segments[name]?.link));
  const fingers = new Set();
  const limb = (link, to) => {
    if (to.length() > LEAST_BONE_M) links.get(link).add(bone(new THREE.Vector3(), to, thickness(link)));
  };
  const thickness = (link) => (fingers.has(link) ? FINGER : palms.has(link) ? PALM : 1);
  for (const joint of native.joints) {
    const mount = new THREE.Group();
    mount.position.copy(vector(joint.origin));
    mount.quaternion.copy(quaternion(joint.q));
    const node = new THREE.Group();
    mount.add(node);
    links.get(joint.parent).add(mount);
    limb(joint.parent, vector(joint.origin));
    if (palms.has(joint.parent) || fingers.has(joint.parent)) fingers.add(joint.link);
    links.set(joint.link, node);
    joints.set(joint.name, { ...joint, node, axis: vector(joint.axis), thick: thickness(joint.link) });
  }
  for (const end of native.ends) limb(end.link, vector(end.point));
  const pelvis = native.segments.pelvis;
  const body = { root, links, joints };
  body.set = (values) => setJoints(body, values);
  body.place = (height, base) => placeByPelvis(body, pelvis, height, base);
  return body;
}

function setJoints({ joints }, values) {
  const value = (name, depth = 0) => {
    const joint = joints.get(name);
    const own = values.get(name);
    if (own !== undefined && own !== null) return own;
    if (joint.mimic && depth < 8) return joint.mimic[1] * value(joint.mimic[0], depth + 1) + joint.mimic[2];
    return joint.value;
  };
  for (const [name, joint] of joints) {
    const at = value(name);
    if (joint.slides) joint.node.position.copy(joint.axis).multiplyScalar(at);
    else joint.node.quaternion.setFromAxisAngle(joint.axis, at);
  }
}

// The pelvis's frame in the frame of the tree's root.
function pelvisFrame({ root, links }, pelvis) {
  root.matrixAutoUpdate = false;
  root.matrix.identity();
  root.updateMatrixWorld(true);
  const inverse = root.matrixWorld.clone().invert();
  const link = inverse.clone().multiply(links.get(pelvis.link).matrixWorld);
  const key = vector(pelvis.key).applyMatrix4(inverse.multiply(links.get(pelvis.key_link).matrixWorld));
  const turn = new THREE.Quaternion().setFromRotationMatrix(link).multiply(quaternion(pelvis.q));
  return new THREE.Matrix4().compose(key, turn, new THREE.Vector3(1, 1, 1));
}

function placeByPelvis(body, pelvis, height, base) {
  const frame = pelvisFrame(body, pelvis);
  const stand = new THREE.Matrix4().compose(new THREE.Vector3(0, 0, height), base, new THREE.Vector3(1, 1, 1));
  body.root.matrix.copy(stand.multiply(frame.invert()));
}

// From each key point to the next in the neutral pose, where all frames are parallel.
export function offsetsOf(document_) {
  const human = (name) => vector(mirrored(name, HUMAN[name.replace(/^(left|right)_/, "")] ?? [0, 0, 0]));
  const offsets = new Map(document_.complexes.map((complex) => [complex.child, human(complex.child)]));
  for (const side of ["left", "right"]) for (const part of ["hand", "foot"]) offsets.set(`${side}_${part}_end`, human(`${side}_${part}_end`));
  const { native } = document_;
  if (!native) return offsets;
  const body = nativeBody(native, () => new THREE.Object3D());
  body.set(new Map(native.joints.map((joint) => [joint.name, joint.neutral])));
  const inverse = pelvisFrame(body, native.segments.pelvis).invert();
  const place = (link, point) => vector(point).applyMatrix4(body.links.get(link).matrixWorld).applyMatrix4(inverse);
  const keys = new Map(Object.entries(native.segments).map(([name, one]) => [name, place(one.key_link, one.key)]));
  keys.set("pelvis", new THREE.Vector3());
  for (const { parent, child } of document_.complexes) if (keys.has(child) && keys.has(parent)) offsets.set(child, keys.get(child).clone().sub(keys.get(parent)));
  for (const end of native.ends) if (keys.has(end.segment)) offsets.set(`${end.segment}_end`, place(end.link, end.point).sub(keys.get(end.segment)));
  return offsets;
}

const mirrored = (name, [x, y, z]) => [x, name.startsWith("right_") ? -y : y, z];

// The canonical body: 15 segments turned by the canonical angles.
export function canonicalBody(document_, bone, ball) {
  const offsets = offsetsOf(document_);
  const present = (name) => !document_.native || name in document_.native.segments;
  const root = new THREE.Group();
  const segments = new Map([["pelvis", root]]);
  for (const { parent, child } of document_.complexes) {
    if (!present(child) || !segments.has(parent)) continue;
    const node = new THREE.Group();
    node.position.copy(offsets.get(child));
    segments.get(parent).add(node);
    segments.get(parent).add(bone(new THREE.Vector3(), offsets.get(child), THICK[child] ?? 1));
    segments.set(child, node);
    if (child === "head") node.add(ball(new THREE.Vector3(0.02, 0, 0.13), 0.095));
    const end = offsets.get(`${child}_end`);
    if (end) node.add(bone(new THREE.Vector3(), end, child.endsWith("hand") ? 0.8 : 1));
  }
  const places = new Map(document_.dofs.map((name, index) => [name, index]));
  const set = (angles) => {
    for (const { child, order, dofs, signs } of document_.complexes) {
      const node = segments.get(child);
      if (!node) continue;
      node.quaternion.identity();
      dofs.forEach((dof, i) => {
        const angle = angles[places.get(dof)];
        if (typeof angle === "number") node.quaternion.multiply(new THREE.Quaternion().setFromAxisAngle(AXES[order[i]], signs[i] * angle));
      });
    }
  };
  const leg = ["thigh", "shank", "foot", "foot_end"].reduce((sum, part) => sum - (offsets.get(`left_${part}`)?.z ?? 0), 0);
  return { root, segments, set, height: present("left_foot") && leg > 0.2 ? leg : 0.85 };
}
