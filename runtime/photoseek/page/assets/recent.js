// The texts that this browser has searched for in a gallery. They stay in the browser's local storage; the page receives
// one only if the person repeats it.
const KEPT = 8

function read(store) {
  try {
    const found = JSON.parse(localStorage.getItem(store) ?? "[]")
    return Array.isArray(found) ? found.filter((text) => typeof text === "string").slice(0, KEPT) : []
  } catch {
    return [] // the browser forbids storage, or something else has written there
  }
}

function write(store, texts) {
  try {
    if (texts.length) localStorage.setItem(store, JSON.stringify(texts.slice(0, KEPT)))
    else localStorage.removeItem(store)
  } catch {
    // the browser forbids storage, or has no room
  }
}

function button(name, text, label, run) {
  const made = document.createElement("button")
  made.type = "button"
  made.className = name
  made.textContent = text
  if (label) made.title = made.ariaLabel = label
  made.onclick = run
  return made
}

function draw(root, store, texts, choose) {
  const found = read(store)
  const title = document.createElement("h3")
  title.textContent = texts.title
  const forget = (kept) => {
    write(store, kept)
    draw(root, store, texts, choose)
    root.querySelector("button")?.focus()
  }
  const items = found.map((text) => {
    const item = document.createElement("span")
    item.className = "ps-search"
    item.append(
      button("ps-again", text, texts.search.replace("{label}", () => text), () => choose(text)),
      button("ps-forget", "×", texts.remove.replace("{label}", () => text), () => forget(found.filter((each) => each !== text))),
    )
    return item
  })
  root.className = "ps-component ps-recent"
  root.replaceChildren(...(found.length ? [title, ...items, button("ps-clear", texts.clear, "", () => forget([]))] : []))
}

export default function ({ data, parentElement, setTriggerValue }) {
  const store = `photoseek-searches-${data.store}`
  if (data.text !== undefined) {
    write(store, [data.text, ...read(store).filter((text) => text !== data.text)])
    return
  }
  draw(parentElement.querySelector(".ps-component"), store, data.texts, (text) => setTriggerValue("chosen", text))
}
