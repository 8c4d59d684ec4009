// Elements, buttons, and what they do: shared by the components that act on photos.
function element(tag, name, text) {
  const made = document.createElement(tag)
  if (name) made.className = name
  if (text !== undefined) made.textContent = text
  return made
}

// Returns a button with a text.
function action(label, run) {
  const button = element("button", "ps-action", label)
  button.type = "button"
  button.onclick = run
  return button
}

// Sends an action on photos to the server, and returns the answer.
async function post(address, content) {
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content) }
  const answer = await (await fetch(address, options)).json()
  if (answer.reason !== undefined) throw new Error(answer.reason)
  return answer
}

// Saves a zip file with the photos of a request.
async function download(folder, content) {
  const { url } = await post(`${folder}zip`, content)
  const link = element("a")
  link.href = url
  link.download = ""
  link.click()
}

// Writes a text, or what a promise of it becomes, to the clipboard, and returns what to say of it.
async function copied(text, texts) {
  const blob = Promise.resolve(text).then((value) => new Blob([value], { type: "text/plain" }))
  try {
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]) // at once: Safari allows it only in a click
    return texts.copied
  } catch {
    return texts.not_copied
  }
}
