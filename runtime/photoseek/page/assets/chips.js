// The photo of the query and the filters, each as a button that removes it; then what can be done with the whole query.
function chipOf(chip, remove, removed) {
  const button = element("button", "ps-chip")
  button.type = "button"
  button.title = button.ariaLabel = remove.replace("{label}", () => chip.name ?? chip.label)
  button.onclick = () => removed(chip.id)
  if (chip.picture) {
    const image = element("img")
    image.src = chip.picture
    image.alt = ""
    button.append(image)
  }
  button.append(element("bdi", "", chip.label), element("span", "", "×"))
  return button
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".ps-component")
  const { chips, texts } = data
  root.classList.add("ps-chips")
  const actions = []
  if (texts.clear_all) actions.push(action(texts.clear_all, () => setTriggerValue("cleared", true)))
  if (data.link && isSecureContext) {
    const local = ["127.0.0.1", "[::1]", "localhost"].includes(location.hostname)
    const said = local ? { ...texts, copied: texts.copied_local } : texts
    const copy = action(texts.copy_link, async () => (copy.textContent = await copied(location.href, said)))
    actions.push(copy)
  }
  root.replaceChildren(...chips.map((chip) => chipOf(chip, texts.remove, (id) => setTriggerValue("removed", id))), ...actions)
}
