// The photo of the query and the filters, each as a button that removes it.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".ps-component")
  root.classList.add("ps-chips")
  root.replaceChildren(
    ...data.chips.map((chip) => {
      const button = document.createElement("button")
      button.type = "button"
      button.className = "ps-chip"
      button.setAttribute("aria-label", data.remove.replace("{label}", () => chip.name ?? chip.label))
      button.title = button.getAttribute("aria-label")
      button.onclick = () => setTriggerValue("removed", chip.id)
      if (chip.picture) {
        const image = document.createElement("img")
        image.src = chip.picture
        image.alt = ""
        button.append(image)
      }
      const label = document.createElement("bdi")
      label.textContent = chip.label
      const cross = document.createElement("span")
      cross.textContent = "×"
      button.append(label, cross)
      return button
    }),
  )
}
