// Sends a picture that is pasted anywhere on the page; pasted text goes to the focused field.
export default function ({ data, setTriggerValue }) {
  const paste = (event) => {
    const files = [...(event.clipboardData?.files ?? [])]
    const file = files.find((one) => one.type.startsWith("image/") && one.size <= data.limit)
    if (!file) return
    event.preventDefault()
    const reader = new FileReader()
    reader.onload = () => setTriggerValue("pasted", { name: file.name, data: reader.result.split(",", 2)[1] })
    reader.readAsDataURL(file)
  }
  document.addEventListener("paste", paste)
  return () => document.removeEventListener("paste", paste)
}
