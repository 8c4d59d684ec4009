// Sends a picture that is pasted or dropped anywhere on the page; pasted text goes to the focused field.
function isPhoto(file, suffixes) {
  const suffix = file.name.toLowerCase().match(/\.[^.]+$/)?.[0]
  return file.type.startsWith("image/") || suffixes.includes(suffix) // browsers know no type of raw files
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".ps-component")
  const hint = document.createElement("div")
  hint.className = "ps-drop"
  hint.hidden = true
  hint.textContent = data.drop
  root.replaceChildren(hint)

  const send = (files) => {
    const file = files.find((one) => isPhoto(one, data.suffixes)) ?? files[0]
    const refused = !isPhoto(file, data.suffixes) ? "type" : file.size > data.limit ? "size" : null
    if (refused) {
      setTriggerValue("refused", { name: file.name, reason: refused })
      return
    }
    const reader = new FileReader()
    reader.onload = () => setTriggerValue("pasted", { name: file.name, data: reader.result.split(",", 2)[1] })
    reader.readAsDataURL(file)
  }
  const paste = (event) => {
    const files = [...(event.clipboardData?.files ?? [])]
    if (!files.length) return
    event.preventDefault()
    send(files)
  }
  // A field for files has its own hint; what is dragged from the page itself, such as one of its photos, is no file.
  const isOurs = (event) =>
    event.dataTransfer?.types.includes("Files") &&
    !event.composedPath().some((one) => one instanceof Element && one.matches("[data-testid=stFileUploaderDropzone]"))
  let dragging = 0
  const show = (shown) => {
    clearTimeout(dragging)
    hint.hidden = !shown
    if (shown) dragging = setTimeout(() => show(false), 500) // dragover repeats; leaving the window is not always an event
  }
  const over = (event) => {
    const ours = isOurs(event)
    show(ours)
    if (ours) event.preventDefault()
  }
  const drop = (event) => {
    show(false)
    const files = [...(event.dataTransfer?.files ?? [])]
    if (!isOurs(event) || !files.length) return
    event.preventDefault()
    send(files)
  }
  const listeners = { paste, dragover: over, drop }
  for (const [name, listener] of Object.entries(listeners)) document.addEventListener(name, listener)
  return () => {
    clearTimeout(dragging)
    for (const [name, listener] of Object.entries(listeners)) document.removeEventListener(name, listener)
  }
}
