// Keys that work anywhere on the page: one focuses the text of the query, one lists the keys, as does a button. The
// viewer asks for its own keys.
function isTyping(event) {
  const at = event.composedPath()[0]
  return at instanceof HTMLElement && (at.isContentEditable || /^(input|textarea|select)$/i.test(at.tagName))
}

function element(tag, text) {
  const made = document.createElement(tag)
  if (text !== undefined) made.textContent = text
  return made
}

// Returns a heading and keys with their meanings.
function keyList([heading, keys]) {
  const made = element("section")
  const list = element("dl")
  for (const [key, meaning] of keys) {
    const term = element("dt")
    term.append(element("kbd", key))
    list.append(term, element("dd", meaning))
  }
  made.append(element("h2", heading), list)
  return made
}

function button(text, run) {
  const made = element("button", text)
  made.type = "button"
  made.onclick = run
  return made
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".ps-component")
  const dialog = element("dialog")
  dialog.className = "ps-keys"
  dialog.ariaLabel = data.title
  const [page, viewer] = [keyList([data.title, data.page]), keyList([data.in_viewer, data.viewer])]
  dialog.append(page, viewer, button(data.close, () => dialog.close()))
  const open = (inViewer) => {
    page.hidden = inViewer
    if (!dialog.open) dialog.showModal()
  }
  const hint = button("", () => open(false))
  hint.className = "ps-keys-hint"
  hint.append(element("kbd", "?"), data.title)
  root.replaceChildren(hint, dialog)
  const press = (event) => {
    if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === "/") document.querySelector(".st-key-q-field input")?.focus()
    else if (event.key === "?") open(false)
    else return
    event.preventDefault()
  }
  const ask = () => open(true)
  document.addEventListener("keydown", press)
  document.addEventListener("photoseek-keys", ask)
  return () => {
    document.removeEventListener("keydown", press)
    document.removeEventListener("photoseek-keys", ask)
  }
}
