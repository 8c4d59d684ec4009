// Folders of this computer: places, the path as buttons, and the folders inside; all names are inserted as text.
const ICON = "M1.5 3.5a1 1 0 0 1 1-1h3.6l1.6 1.8h5.8a1 1 0 0 1 1 1v7.2a1 1 0 0 1-1 1h-11a1 1 0 0 1-1-1z"

function element(tag, name, text) {
  const made = document.createElement(tag)
  if (name) made.className = name
  if (text !== undefined) made.textContent = text
  return made
}

function button(text, onclick, name) {
  const made = element("button", name, text)
  made.type = "button"
  made.onclick = onclick
  return made
}

function icon() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg")
  svg.setAttribute("viewBox", "0 0 16 16")
  svg.setAttribute("aria-hidden", "true")
  const path = svg.appendChild(document.createElementNS(svg.namespaceURI, "path"))
  path.setAttribute("d", ICON)
  path.setAttribute("fill", "currentColor")
  return svg
}

function list(name, label, buttons) {
  const made = element("ul", name)
  made.ariaLabel = label
  made.append(...buttons.map((each) => {
    const item = element("li")
    item.append(each)
    return item
  }))
  return made
}

function folder(each, texts, open) {
  const made = button(undefined, () => open(each.path))
  made.append(icon(), element("bdi", "", each.name))
  if (each.indexed) made.append(element("small", "ps-indexed", texts.indexed))
  if (each.photos) made.append(element("small", "", each.photos))
  return made
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".ps-component")
  const focused = root.contains(root.getRootNode().activeElement)
  root.classList.add("ps-folders")
  const open = (path) => setTriggerValue("opened", path)
  const places = list("ps-places", data.texts.places, data.places.map((each) => button(each.name, () => open(each.path))))
  const crumbs = list("ps-crumbs", data.texts.path, data.crumbs.map((each) => button(each.name, () => open(each.path))))
  const current = [...crumbs.querySelectorAll("button")].at(-1)
  current.ariaCurrent = "location"
  const inside = list("ps-inside", data.texts.folders, data.folders.map((each) => folder(each, data.texts, open)))
  if (data.note) inside.append(element("li", "ps-empty", data.note))
  const use = button(data.texts.use, () => setTriggerValue("chosen", data.here), "ps-use")
  root.replaceChildren(places, crumbs, inside, use)
  if (focused) current.focus() // the button that was pressed no longer exists
}
