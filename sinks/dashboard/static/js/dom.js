// Makes elements. Text is always set as text: nothing a robot says is ever parsed.

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export function setText(node, text) {
  const said = text ?? "";
  if (node.textContent !== said) node.textContent = said;
}

export function setData(node, name, value) {
  if (value === null || value === undefined) delete node.dataset[name];
  else if (node.dataset[name] !== value) node.dataset[name] = value;
}

export function chip(tone, text, title) {
  return el("span", { class: "chip", "data-tone": tone, title }, text);
}
