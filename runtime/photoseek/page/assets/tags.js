// Words that describe a photo, each as a button that searches for it, with its likeness as a bar.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".ps-component")
  const list = document.createElement("ul")
  list.className = "ps-tags"
  list.ariaLabel = data.label
  for (const tag of data.tags) {
    const button = list.appendChild(document.createElement("li")).appendChild(document.createElement("button"))
    button.type = "button"
    button.className = "ps-tag"
    button.title = data.search.replace("{tag}", () => tag.text)
    button.onclick = () => setTriggerValue("chosen", tag.text)
    const word = button.appendChild(document.createElement("span"))
    word.textContent = tag.text
    button.appendChild(document.createElement("small")).textContent = tag.score
    button.appendChild(document.createElement("i")).style.setProperty("--likeness", tag.likeness)
  }
  root.replaceChildren(list)
}
