// Albums: the favorites, as hearts on the photos, and a dialog that adds photos to an album.
class Albums {
  constructor(root) {
    Object.assign(this, { root, favorites: new Set(), albums: [], texts: null, turn: 0 })
  }

  // Follows new data of the grid, which has no address where albums are not available.
  async update({ folder, albums, limit }, texts) {
    Object.assign(this, { texts, limit })
    this.address = albums ? `${folder}albums` : null
    this.refresh()
    const turn = ++this.turn
    const answer = this.address ? await fetch(this.address).then((each) => each.json()).catch(() => ({})) : {}
    if (turn === this.turn) this.follow(answer) // nothing has changed since
  }

  get available() {
    return Boolean(this.address)
  }

  follow({ albums, favorites }) {
    if (!albums) return
    this.albums = albums
    this.favorites = new Set(favorites)
    this.refresh()
  }

  has(card) {
    return Boolean(card.base) && this.favorites.has(photoId(card))
  }

  // Adds photos to an album, or removes them from it.
  async change(album, cards, added) {
    let changed = 0
    let undo
    for (let at = 0; at < cards.length; at += this.limit) {
      const photos = cards.slice(at, at + this.limit).map(photoId)
      this.turn++
      const answer = await post(this.address, { album, photos, action: added ? "add" : "remove" })
      this.turn++
      this.follow(answer)
      changed += answer.changed
      undo ??= answer.undo // the first one restores all of them
    }
    return { changed, undo }
  }

  // Undoes a change, and returns the name of the album.
  async undo(token) {
    this.turn++
    const answer = await post(this.address, { action: "undo", undo: token })
    this.turn++
    this.follow(answer)
    return answer.album
  }

  // Makes photos favorites, or if all of them are, no longer. The hearts change before the server answers.
  async toggle(cards) {
    if (!this.available || !cards.length) return
    const before = new Set(this.favorites)
    const added = !cards.every((card) => this.has(card))
    for (const card of cards) added ? this.favorites.add(photoId(card)) : this.favorites.delete(photoId(card))
    this.refresh()
    try {
      await this.change(null, cards, added)
    } catch (error) {
      this.favorites = before
      this.refresh()
      throw error
    }
  }

  heart(card, texts) {
    const made = iconButton("heart", texts.favorite_photo.replace("{path}", () => card.path), () =>
      this.root.selection.bar.run(() => this.toggle([card])),
    )
    made.className = "ps-heart"
    made.title = texts.favorite
    made.tabIndex = -1 // a key does the same for the focused photo
    return made
  }

  refresh() {
    this.root.list.classList.toggle("ps-albums", this.available)
    for (const item of this.root.list.querySelectorAll(".ps-card")) {
      const on = this.has(item.card)
      item.classList.toggle("ps-favorite", on)
      const heart = item.querySelector(".ps-heart")
      if (heart) heart.ariaPressed = String(on)
    }
    this.root.viewer?.refresh()
    this.root.selection.bar.refresh()
  }

  // Asks for an album, and returns its name; null if there was no answer.
  choose() {
    const { texts } = this
    const dialog = element("dialog", "ps-album")
    const title = element("h2", "", texts.add_to_album)
    const list = element("ul")
    const form = element("form")
    const name = element("input")
    const create = action(texts.create_album, null)
    const cancel = iconButton("close", texts.close, () => dialog.close())
    dialog.ariaLabel = texts.add_to_album
    name.required = true
    name.autofocus = true // the first button would be focused: a space in the name would close the dialog
    name.maxLength = 100
    name.placeholder = name.ariaLabel = texts.new_album
    create.type = "submit"
    for (const album of this.albums.filter((each) => !each.favorite)) {
      const button = action(album.name, () => dialog.close(album.name))
      button.append(element("small", "", album.photos.toLocaleString()))
      list.appendChild(element("li")).append(button)
    }
    form.onsubmit = (event) => {
      event.preventDefault()
      dialog.close(name.value)
    }
    form.append(name, create)
    dialog.append(cancel, title, list, form)
    dialog.onkeydown = (event) => event.stopPropagation()
    this.root.append(dialog)
    dialog.returnValue = ""
    dialog.showModal()
    return new Promise((resolve) => {
      dialog.onclose = () => {
        dialog.remove()
        resolve(dialog.returnValue || null)
      }
    })
  }
}
