// Buttons that set a filter, in groups; of a large group, the first ones are shown until the person asks for all.
const SHOWN = 14

function element(tag, name, text) {
  const made = document.createElement(tag)
  if (name) made.className = name
  if (text !== undefined) made.textContent = text
  return made
}

function facet({ kind, value, label, count, pressed }, choose) {
  const button = element("button", "ps-facet")
  button.type = "button"
  button.ariaPressed = String(pressed)
  const name = element("bdi", "", label)
  name.title = label
  button.append(name, " ", element("span", "ps-count", count))
  button.onclick = () => choose(kind, value)
  return button
}

function buttonsOf(group, texts, root, choose) {
  const made = element("div", "ps-facets")
  made.role = "group"
  made.ariaLabel = group.name
  const buttons = group.buttons.map((each) => facet(each, choose))
  const many = buttons.length > SHOWN + 1
  const show = (all) => {
    root.all[group.name] = all
    buttons.forEach((each, at) => (each.hidden = many && !all && at >= SHOWN && !group.buttons[at].pressed))
    toggle.textContent = all ? texts.fewer : texts.all.replace("{count}", buttons.length)
    toggle.ariaExpanded = String(all)
  }
  const toggle = element("button", "ps-toggle")
  toggle.type = "button"
  toggle.onclick = () => show(!root.all[group.name])
  show(root.all[group.name] ?? false)
  made.append(...buttons, ...(many ? [toggle] : []))
  if (group.note) made.append(element("span", "ps-note", group.note))
  return made
}

// Returns the chosen folder and those around it, each as a button.
function pathOf(group, choose) {
  const made = element("nav", "ps-facets ps-way")
  made.ariaLabel = group.name
  group.path.forEach((each, at) => {
    if (at) made.append(element("span", "ps-note", "›"))
    made.append(facet(each, choose))
  })
  return made
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".ps-component")
  root.all ??= {}
  const choose = (kind, value) => {
    root.focused = `${kind} ${value}`
    setTriggerValue("chosen", { kind, value })
  }
  const rows = data.groups.flatMap((group) => {
    const row = element("div", "ps-row")
    row.append(element("h3", "", group.title ?? group.name))
    const parts = [...(group.path?.length ? [pathOf(group, choose)] : [])]
    if (group.buttons.length || group.note) parts.push(buttonsOf(group, data.texts, root, choose))
    const column = element("div", "ps-column")
    column.append(...parts)
    row.append(column)
    return parts.length ? [row] : []
  })
  root.classList.add("ps-facet-rows")
  root.replaceChildren(...rows)
  if (!root.focused) return
  const all = data.groups.flatMap((group) => [...(group.path ?? []), ...group.buttons])
  const at = all.findIndex((each) => `${each.kind} ${each.value}` === root.focused)
  root.focused = null
  if (at >= 0) root.querySelectorAll(".ps-facet")[at].focus({ preventScroll: true })
}
