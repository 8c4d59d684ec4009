// What can be done with all photos of an album.
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".ps-component")
  const { album, folder, texts } = data
  const note = element("span", "ps-note")
  note.role = "status"
  const button = (label, run) =>
    action(label, async () => {
      note.textContent = ""
      try {
        note.textContent = await run()
      } catch (error) {
        note.textContent = texts.action_failed.replace("{reason}", () => error.message)
      }
    })
  const paths = () => post(`${folder}paths`, { album }).then((answer) => answer.paths.join("\n"))
  const copy = button(texts.copy_paths, () => copied(paths(), texts))
  const save = button(texts.download, () => download(folder, { album }).then(() => ""))
  save.disabled = data.photos > data.limit
  if (save.disabled) note.textContent = texts.too_many
  root.replaceChildren(copy, save, note)
}
