// The selection: a mark on each photo, and a bar with what can be done with the selected ones. It stays when another
// search is shown, until the page shows another gallery.
const SELECTED = { folder: null, cards: new Map(), anchor: null } // cards by the address of their photo

const UNDO_MS = 10000
const photoId = (card) => Number(card.base.split("/").at(-2))

// Returns the mark of a photo, which also selects a range with the Shift key.
function selectionMark(card, texts, root) {
  const made = element("button", "ps-mark")
  made.type = "button"
  made.role = "checkbox"
  made.tabIndex = -1 // a key selects the focused photo
  made.ariaLabel = texts.select_photo.replace("{path}", () => card.path)
  made.append(icon("check"))
  made.onclick = (event) => (event.shiftKey ? root.selection.extend(card) : root.selection.toggle(card))
  return made
}

const LONG_MS = 450

// Selects the photo that a finger rests on; the browser then neither opens it nor its own menu.
function followFingers(root) {
  let timer = null
  let pressed = false
  const stop = () => clearTimeout(timer)
  root.list.addEventListener("pointerdown", (event) => {
    stop()
    pressed = false
    const card = event.target.closest(".ps-open")?.parentElement.card
    if (event.pointerType !== "touch" || !event.isPrimary || !card?.base) return
    timer = setTimeout(() => {
      pressed = true
      navigator.vibrate?.(15)
      root.selection.toggle(card)
    }, LONG_MS)
  })
  for (const end of ["pointerup", "pointercancel"]) root.list.addEventListener(end, stop)
  root.list.addEventListener("contextmenu", (event) => {
    if (event.pointerType === "touch" && event.target.closest(".ps-open")) event.preventDefault()
  })
  root.list.addEventListener("click", (event) => pressed && event.target.closest(".ps-open") && event.stopPropagation(), true)
}

class Selection {
  constructor(root) {
    this.root = root
    this.bar = new SelectionBar(this)
  }

  // Follows new data of the grid.
  update({ folder, limit, album, found, undo, texts }) {
    Object.assign(this, { folder, limit, album, found, texts })
    if (SELECTED.folder !== folder) Object.assign(SELECTED, { folder, cards: new Map(), anchor: null })
    if (found?.ids && found.turn !== this.turn) for (const id of found.ids) this.addFound(`${folder}${id}/`)
    this.turn = found?.turn ?? this.turn
    for (const { card } of this.items) if (this.has(card)) SELECTED.cards.set(card.base, card)
    this.bar.update(texts)
    this.refresh()
    if (undo && undo.token !== this.offered) this.bar.say(undo.text, undo.token)
    this.offered = undo?.token ?? this.offered
  }

  get cards() {
    return [...SELECTED.cards.values()]
  }

  get items() {
    return [...this.root.list.querySelectorAll(".ps-card:not([hidden])")].filter(({ card }) => card.base)
  }

  has(card) {
    return SELECTED.cards.has(card.base)
  }

  toggle(card) {
    if (!card.base) return
    if (!SELECTED.cards.delete(card.base)) SELECTED.cards.set(card.base, card)
    SELECTED.anchor = card.base
    this.refresh()
  }

  // Selects all photos between the one that was last selected and another one.
  extend(card) {
    const shown = this.items.map((item) => item.card)
    const find = (base) => shown.findIndex((each) => each.base === base)
    const [from, to] = [find(SELECTED.anchor), find(card.base)]
    if (from < 0) return this.toggle(card)
    this.add(shown.slice(Math.min(from, to), Math.max(from, to) + 1))
  }

  add(cards) {
    for (const card of cards) SELECTED.cards.set(card.base, card)
    this.refresh()
  }

  replace(cards) {
    SELECTED.cards.clear()
    this.add(cards)
  }

  // Selects a photo that the grid may not show.
  addFound(base) {
    if (!SELECTED.cards.has(base)) SELECTED.cards.set(base, { base })
  }

  // Whether the answer has photos that the grid does not show, and that are not selected.
  get incomplete() {
    return Boolean(this.found) && !this.found.ids?.every((id) => SELECTED.cards.has(`${this.folder}${id}/`))
  }

  all() {
    this.add(this.items.map((item) => item.card))
  }

  clear() {
    const focused = this.bar.element.contains(this.root.getRootNode().activeElement)
    SELECTED.cards.clear()
    SELECTED.anchor = null
    this.refresh()
    if (focused) this.root.querySelector(".ps-open")?.focus({ preventScroll: true })
  }

  refresh() {
    for (const item of this.root.list.querySelectorAll(".ps-card")) {
      const on = this.has(item.card)
      item.classList.toggle("ps-selected", on)
      const mark = item.querySelector(".ps-mark")
      if (mark) mark.ariaChecked = String(on)
    }
    this.root.list.classList.toggle("ps-selecting", SELECTED.cards.size > 0)
    this.bar.refresh()
  }

  // Handles a key that is pressed on a photo, and returns whether it is one of the selection.
  press(event, card) {
    const { key, shiftKey } = event
    if ((event.ctrlKey || event.metaKey) && !event.altKey && key === "a") this.all()
    else if (event.ctrlKey || event.metaKey || event.altKey) return false
    else if (key === "x" || key === "X") shiftKey ? this.extend(card) : this.toggle(card)
    else if (key === "f" && card.base) this.bar.run(() => this.root.albums.toggle([card]))
    else if (key === "Escape" && SELECTED.cards.size) this.clear()
    else return false
    return true
  }

  async download() {
    await download(this.folder, { photos: this.cards.map(photoId) })
    return {}
  }

  // Adds the photos to an album that the person chooses.
  async addToAlbum() {
    const album = await this.root.albums.choose()
    if (album === null) return {}
    const { changed } = await this.root.albums.change(album, this.cards, true)
    this.root.reload(album.trim()) // which the tab of the albums then shows
    const text = changed ? this.texts.added.replace("{count}", changed.toLocaleString()) : this.texts.nothing_added
    return { text: text.replace("{album}", () => album.trim()) }
  }

  async removeFromAlbum() {
    const { changed, undo } = await this.root.albums.change(this.album, this.cards, false)
    this.clear()
    this.root.reload(this.album)
    return { text: this.texts.removed.replace("{count}", changed.toLocaleString()), undo }
  }

  async undo(token) {
    this.root.reload(await this.root.albums.undo(token))
    return {}
  }

  async copy() {
    const shown = this.items.map(({ card }) => card).filter((card) => this.has(card))
    const files = new Map([...shown, ...this.cards].map((card) => [card.base, card.file])) // in this order, each once
    return { text: await copied([...files.values()].join("\n"), this.texts) }
  }
}

// What can be done with the selected photos. Each button has a fixed place, whatever is selected or said; what removes
// photos from an album is last and apart.
class SelectionBar {
  constructor(selection) {
    this.selection = selection
    this.element = element("div", "ps-bar")
    this.element.role = "region"
    this.element.onkeydown = (event) => event.key === "Escape" && selection.clear()
    this.count = element("p", "ps-count")
    this.note = element("p", "ps-note")
    this.count.role = this.note.role = "status"
  }

  update(texts) {
    const key = JSON.stringify(texts)
    if (this.key === key) return
    Object.assign(this, { key, texts })
    const { selection } = this
    const button = (label, run) => action(label, () => this.run(run))
    this.all = action("", () => selection.all())
    this.found = action("", () => selection.root.findAll())
    this.undo = action(texts.undo, () => this.run(selection.undo.bind(selection, this.token)))
    this.download = button(texts.download, () => selection.download())
    this.copy = button(texts.copy_paths, () => selection.copy())
    this.heart = iconButton("heart", texts.favorite, () => this.run(() => selection.root.albums.toggle(selection.cards)))
    this.add = button(texts.add_to_album, () => selection.addToAlbum())
    this.remove = button(texts.remove_from_album, () => selection.removeFromAlbum())
    const clear = iconButton("close", texts.clear_selection, () => selection.clear())
    const said = element("div", "ps-said")
    const more = element("div", "ps-slot")
    const does = element("div", "ps-does")
    said.append(this.count, this.note)
    does.append(this.add, this.copy, this.download)
    more.append(this.all, this.found, this.undo)
    this.download.classList.add("ps-primary")
    this.remove.classList.add("ps-remove")
    this.element.ariaLabel = texts.selection
    this.element.replaceChildren(clear, said, more, this.heart, does, this.remove)
    this.say("")
  }

  // Runs an action, and says how it ended.
  async run(act) {
    this.say("")
    try {
      const { text = "", undo } = (await act()) ?? {}
      this.say(text, undo)
    } catch (error) {
      this.say(this.texts.action_failed.replace("{reason}", () => error.message))
    }
  }

  // Says something in place of the number of photos, and offers for some seconds to undo it.
  say(text, token) {
    clearTimeout(this.timer)
    this.token = token
    this.note.textContent = this.note.title = text
    this.selection.root.viewer?.say(text)
    if (token) this.timer = setTimeout(() => this.expire(), UNDO_MS)
    this.refresh()
  }

  expire() {
    if (!this.undo.matches(":hover, :focus")) return this.say("")
    this.timer = setTimeout(() => this.expire(), UNDO_MS)
  }

  refresh() {
    if (!this.texts) return
    const { selection, texts, note } = this
    const { cards, items } = selection
    const tooMany = cards.length > selection.limit
    const text = this.describe(cards, items)
    const changed = text !== this.count.textContent
    this.count.textContent = text
    if (changed && !this.token) return this.say(tooMany ? texts.too_many : "")
    note.hidden = !note.textContent
    this.count.hidden = !note.hidden
    this.element.hidden = !cards.length && note.hidden
    this.element.classList.toggle("ps-message", !cards.length)
    this.undo.hidden = !this.token
    const complete = items.every(({ card }) => selection.has(card))
    const blocked = !cards.length || Boolean(this.token) // their place is taken
    this.all.hidden = blocked || complete
    this.found.hidden = blocked || !complete || !selection.incomplete
    this.found.textContent = selection.found?.label ?? ""
    this.all.textContent = texts.select_all.replace("{count}", items.length.toLocaleString())
    this.download.disabled = tooMany
    const { albums } = selection.root
    this.heart.hidden = this.add.hidden = this.copy.hidden = !albums.available
    this.heart.ariaPressed = String(cards.length > 0 && cards.every((card) => albums.has(card)))
    this.remove.hidden = selection.album === null
    this.copy.classList.toggle("ps-absent", !cards.every((card) => card.file))
  }

  // Returns how many photos are selected, and how many of them are not shown here.
  describe(cards, items) {
    const { texts, selection } = this
    const elsewhere = cards.length - items.filter(({ card }) => selection.has(card)).length
    const text = cards.length === 1 ? texts.one_selected : texts.selected.replace("{count}", cards.length.toLocaleString())
    return elsewhere ? texts.not_shown.replace("{selected}", text).replace("{count}", elsewhere.toLocaleString()) : text
  }
}
