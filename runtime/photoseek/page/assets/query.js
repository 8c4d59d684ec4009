// Buttons that remove the query with its filters, and copy its link.
const LOOPBACK = ["127.0.0.1", "[::1]", "localhost"]

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".ps-component")
  const { texts } = data
  const said = LOOPBACK.includes(location.hostname) ? { ...texts, copied: texts.copied_local } : texts
  const clear = action(texts.clear_all, () => setTriggerValue("cleared", true))
  const copy = action(texts.copy_link, async () => (copy.textContent = await copied(location.href, said)))
  copy.hidden = !data.link || !isSecureContext
  root.classList.add("ps-query")
  root.replaceChildren(clear, copy)
}
