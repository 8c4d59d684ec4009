// The photo of the query and the filters, each as a button that removes it.
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
  root.classList.add("ps-chips")
  root.replaceChildren(...data.chips.map((chip) => chipOf(chip, data.remove, (id) => setTriggerValue("removed", id))))
}
