// The viewer: one photo, its facts, and actions.
const SLIDE_MS = 4000
const STEP = 1.25 // zoom by one key or turn of the wheel

const ICONS = {
  play: "M8 5v14l11-7z",
  pause: "M6 5h4v14H6zM14 5h4v14h-4z",
  full: "M4 4h6v2H6v4H4zM14 4h6v6h-2V6h-4zM4 14h2v4h4v2H4zM18 14h2v6h-6v-2h4z",
  part: "M8 4h2v6H4V8h4zM14 4h2v4h4v2h-6zM4 14h6v6H8v-4H4zM14 14h6v2h-4v4h-2z",
  own: "M3 7.6 6.2 6H8v12H5.8V8.9L3 10zM10.9 9h2.2v2.2h-2.2zM10.9 14h2.2v2.2h-2.2zM15.5 7.6 18.7 6h1.8v12h-2.2V8.9l-2.8 1.1z",
  close: "M6.4 5 12 10.6 17.6 5 19 6.4 13.4 12l5.6 5.6-1.4 1.4-5.6-5.6L6.4 19 5 17.6l5.6-5.6L5 6.4z",
  previous: "M15.4 5 17 6.6 11.6 12l5.4 5.4-1.6 1.6-7-7z",
  next: "M8.6 5 7 6.6l5.4 5.4L7 17.4 8.6 19l7-7z",
  heart: "M12 21l-1.4-1.3C5.4 15 2 12 2 8.2 2 5.1 4.4 3 7.4 3 9 3 10.7 3.8 12 5.2 13.3 3.8 15 3 16.6 3 19.6 3 22 5.1 22 8.2c0 3.8-3.4 6.8-8.6 11.5z",
  check: "M9 16.2 4.8 12l-1.4 1.4L9 19 20.6 7.4 19.2 6z",
}

function icon(name) {
  const space = "http://www.w3.org/2000/svg"
  const made = document.createElementNS(space, "svg")
  made.setAttribute("viewBox", "0 0 24 24")
  made.setAttribute("aria-hidden", "true")
  made.dataset.icon = name
  made.appendChild(document.createElementNS(space, "path")).setAttribute("d", ICONS[name])
  return made
}

// Returns a button with an icon and a name.
function iconButton(name, label, run) {
  const button = element("button", "ps-icon")
  button.type = "button"
  button.append(icon(name))
  button.title = button.ariaLabel = label
  button.onclick = run
  return button
}

function factList(facts) {
  return facts.flatMap(([label, value]) => {
    const text = element("dd")
    text.append(element("bdi", "", value))
    return [element("dt", "", label), text]
  })
}

// The panel beside the photo: its name, actions, facts and captions.
function viewerPanel(texts, buttons, leave) {
  const name = element("h2", "ps-title")
  const facts = element("dl", "ps-facts")
  const captions = element("ul", "ps-captions")
  const download = element("a", "ps-action", texts.download)
  const similar = action(texts.more_like, () => leave("similar"))
  const copy = action(texts.copy_path, async () => (copy.textContent = await copied(copy.path, texts)))
  const header = element("div", "ps-header")
  const actions = element("div", "ps-actions")
  const note = element("p", "ps-note")
  const panel = element("div", "ps-panel")
  note.role = "status"
  note.hidden = true
  captions.ariaLabel = texts.captions
  download.download = ""
  similar.classList.add("ps-primary")
  header.append(...buttons)
  const folder = action(texts.show_in_folder, () => leave("folder"))
  actions.append(similar, action(texts.describe, () => leave("describe")), folder, download, copy)
  panel.append(header, name, note, actions, facts, captions)
  return {
    panel,
    say(text) {
      note.textContent = text
      note.hidden = !text
    },
    show(card) {
      name.textContent = card.path.split("/").pop()
      facts.replaceChildren(...factList(card.facts))
      captions.replaceChildren(...card.captions.map((caption) => element("li", "", caption)))
      captions.hidden = !card.captions.length
      download.hidden = !card.base
      if (card.base) download.href = `${card.base}file`
      copy.hidden = !card.file
      copy.path = card.file
      copy.textContent = texts.copy_path
    },
  }
}

// Calls a function again and again, and another one at the start; returns the button, and how to start and stop.
function slideshow(label, turn, started) {
  let timer = null
  const play = (on) => {
    if (timer !== null) clearInterval(timer)
    timer = on ? setInterval(turn, SLIDE_MS) : null
    button.replaceChildren(icon(on ? "pause" : "play"))
    button.ariaPressed = String(on)
    if (on) started()
  }
  const toggle = () => play(timer === null)
  const button = iconButton("play", label, toggle)
  return { button, toggle, stop: () => play(false) }
}

function viewerKeys(dialog, keys) {
  dialog.onkeydown = (event) => {
    event.stopPropagation() // the page has keys of its own
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return
    event.preventDefault()
    keys[event.key]()
  }
}

// An entry of the browser's history while the viewer is open, so that Back closes it and nothing else.
class HistoryEntry {
  constructor(close) {
    Object.assign(this, { close, open: false, then: () => {} })
  }

  enter() {
    history.pushState({ ...history.state, viewer: true }, "")
    Object.assign(this, { open: true, address: null, then: () => {} })
  }

  // Leaves the entry after the viewer was closed by anything but Back.
  leave() {
    if (!this.open) return
    if (history.state?.viewer) return history.back()
    this.open = false // the page has another address by now
    this.then()
  }

  // Follows a step of the history, which the page ignores if its address is the same.
  step() {
    if (!this.open) return
    this.open = false
    if (this.address) history.replaceState(history.state, "", this.address) // more photos are shown than before
    this.close()
    this.then()
  }
}

function createViewer(root, texts, act) {
  const { selection, albums } = root
  let cards = []
  let index = 0
  let closed = () => {}
  let more = null // asks for more photos, if there are more
  let waiting = false // for them
  const photo = photoMemory(texts)
  const dialog = element("dialog", "ps-viewer")
  const entry = new HistoryEntry(() => dialog.close())
  const frame = element("div", "ps-frame")
  const stage = element("div", "ps-stage ps-full")
  const position = element("span", "ps-position")
  const scale = element("span", "ps-scale")
  const marks = element("p", "ps-marks")
  const own = iconButton("own", texts.own_size, () => zoom.toOwn())
  const zoom = new Zoom(stage, () => {
    own.ariaPressed = String(zoom.on && zoom.isOwn)
    own.ariaDisabled = String(!zoom.on && zoom.isOwn) // a small photo
    scale.textContent = zoom.on ? texts.scale.replace("{percent}", Math.round(100 * zoom.scale)) : ""
  })
  const screen = new FullScreen(dialog, frame, texts.full_screen, () => slides.stop())
  const slides = slideshow(texts.slideshow, () => turn(1), () => screen.on || screen.toggle())
  const select = iconButton("check", texts.select, () => mark())
  const heart = iconButton("heart", texts.favorite, () => favorite())
  const close = iconButton("close", texts.close, () => dialog.close())
  const previous = iconButton("previous", texts.previous, () => step(-1))
  const next = iconButton("next", texts.next, () => step(1))
  const { panel, say, show: describe } = viewerPanel(texts, [heart, select, slides.button, own, screen.button, close], leave)

  function show(wanted) {
    index = (wanted + cards.length) % cards.length
    const card = cards[index]
    const image = card.base ? photo(card) : null
    const reason = image ? image.reason : texts.missing
    stage.firstChild.replaceWith(reason ? element("p", "ps-missing", reason) : image)
    for (const by of [1, -1, 2]) {
      const other = cards[(index + by + cards.length) % cards.length]
      if (other.base) photo(other).decode?.().catch(() => {})
    }
    say("")
    own.hidden = select.hidden = !card.base
    tell()
    describe(card)
    zoom.show(image, card)
    refresh()
  }

  function refresh() {
    const card = cards[index]
    if (!card) return
    heart.hidden = !card.base || !albums.available
    heart.ariaPressed = String(albums.has(card))
    select.ariaPressed = String(selection.has(card))
  }

  function favorite() {
    if (cards[index].base) selection.bar.run(() => albums.toggle([cards[index]]))
  }

  function tell() {
    const count = `${cards.length}${more ? "+" : ""}`
    position.textContent = texts.position.replace("{number}", index + 1).replace("{count}", count)
    position.style.minWidth = `${2 * count.length + 3}ch`
  }

  // Shows another photo; after the last one, more are loaded.
  function turn(by) {
    waiting = index + by >= cards.length && more !== null
    if (waiting) more()
    else show(index + by)
  }

  function step(by) {
    slides.stop()
    turn(by)
  }

  function mark() {
    selection.toggle(cards[index])
    refresh()
  }

  function leave(what) {
    const { path } = cards[index]
    entry.then = () => act(what, path)
    dialog.close()
  }

  previous.classList.add("ps-previous")
  next.classList.add("ps-next")
  position.role = scale.role = "status"
  marks.append(position, scale)
  stage.append(element("span"), previous, next, marks)
  frame.append(stage, panel)
  dialog.append(frame)
  dialog.ariaLabel = texts.detail
  dialog.tabIndex = -1
  followPointers(stage, zoom, { turn: step, tapped: () => screen.set(!screen.on), pulled: () => dialog.close() })
  viewerKeys(dialog, {
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    Home: () => step(-index),
    End: () => step(cards.length - 1 - index),
    "+": () => zoom.by(STEP),
    "=": () => zoom.by(STEP),
    "-": () => zoom.by(1 / STEP),
    0: () => zoom.to(1),
    s: slides.toggle,
    x: mark,
    f: favorite,
    i: () => screen.toggle(),
    "?": () => document.dispatchEvent(new CustomEvent("photoseek-keys")),
  })
  dialog.onclose = () => {
    slides.stop()
    screen.set(false)
    closed(index)
    entry.leave()
  }
  new ResizeObserver(() => dialog.open && zoom.resize()).observe(stage)
  root.append(dialog)

  return {
    dialog,
    entry,
    refresh,
    say,
    open(shown, at, whenClosed, loadMore) {
      cards = shown
      closed = whenClosed
      more = loadMore
      dialog.showModal()
      dialog.focus()
      entry.enter()
      show(at)
    },
    // Follows a grid that has more photos at its end.
    extend(shown, loadMore) {
      if (!dialog.open || shown.length <= cards.length || !cards.every((card, at) => card.path === shown[at].path)) return
      cards = shown
      more = loadMore
      entry.address = location.href
      if (waiting) turn(1)
      else tell()
    },
  }
}
