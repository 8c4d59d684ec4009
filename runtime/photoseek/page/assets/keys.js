// Keys that work anywhere on the page: one focuses the text of the query, one lists all keys.
function isTyping(event) {
  const at = event.composedPath()[0]
  return at instanceof HTMLElement && (at.isContentEditable || /^(input|textarea|select)$/i.test(at.tagName))
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".ps-component")
  const dialog = document.createElement("dialog")
  dialog.className = "ps-keys"
  const title = document.createElement("h2")
  title.textContent = data.title
  const list = document.createElement("dl")
  for (const [key, meaning] of data.keys) {
    const term = list.appendChild(document.createElement("dt"))
    term.appendChild(document.createElement("kbd")).textContent = key
    list.appendChild(document.createElement("dd")).textContent = meaning
  }
  const close = document.createElement("button")
  close.type = "button"
  close.textContent = data.close
  close.onclick = () => dialog.close()
  dialog.ariaLabel = data.title
  dialog.append(title, list, close)
  root.replaceChildren(dialog)
  const press = (event) => {
    if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === "/") document.querySelector(".st-key-q-field input")?.focus()
    else if (event.key === "?" && !dialog.open) dialog.showModal()
    else return
    event.preventDefault()
  }
  document.addEventListener("keydown", press)
  return () => document.removeEventListener("keydown", press)
}
