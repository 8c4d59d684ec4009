// The viewer: one photo on the entire screen with zoom, its facts, and actions. Photos beside the current one are loaded
// in advance, so that a step needs no server.
const KEPT = 12 // photos
const SLIDE_MS = 4000
const SWIPE = 48 // pixels
const STEP = 1.25 // zoom by one key or turn of the wheel

const ICONS = {
  play: "M8 5v14l11-7z",
  pause: "M6 5h4v14H6zM14 5h4v14h-4z",
  own: "M14 4h6v6h-2V7.4l-4.3 4.3-1.4-1.4L16.6 6H14zM4 14h2v2.6l4.3-4.3 1.4 1.4L7.4 18H10v2H4z",
  close: "M6.4 5 12 10.6 17.6 5 19 6.4 13.4 12l5.6 5.6-1.4 1.4-5.6-5.6L6.4 19 5 17.6l5.6-5.6L5 6.4z",
  previous: "M15.4 5 17 6.6 11.6 12l5.4 5.4-1.6 1.6-7-7z",
  next: "M8.6 5 7 6.6l5.4 5.4L7 17.4 8.6 19l7-7z",
}

function icon(name) {
  const space = "http://www.w3.org/2000/svg"
  const made = document.createElementNS(space, "svg")
  made.setAttribute("viewBox", "0 0 24 24")
  made.setAttribute("aria-hidden", "true")
  made.appendChild(document.createElementNS(space, "path")).setAttribute("d", ICONS[name])
  return made
}

function createViewer(root, texts, act) {
  const dialog = element("dialog", "ps-viewer")
  const stage = element("div", "ps-stage ps-full")
  const position = element("p", "ps-position")
  const name = element("h2", "ps-title")
  const facts = element("dl", "ps-facts")
  const captions = element("ul", "ps-captions")
  const download = element("a", "ps-action", texts.download)
  const copy = action(texts.copy_path, copyPath)
  const slideshow = action("play", () => play(timer === null), texts.slideshow)
  const own = action("own", () => zoomTo(zoom > 1 ? 1 : ownSize()), texts.own_size)
  const photos = new Map() // image elements by address, the latest last
  const pointers = new Map()
  let cards = []
  let index = 0
  let closed = () => {}
  let timer = null
  let [zoom, x, y] = [1, 0, 0]
  let image = null

  function action(label, run, title) {
    const button = element("button", title ? "ps-icon" : "ps-action")
    button.type = "button"
    button.append(title ? icon(label) : label)
    if (title) button.title = button.ariaLabel = title
    button.onclick = run
    return button
  }

  // Returns the image of a card, from memory if it was shown or loaded in advance.
  function photo(card) {
    const address = `${card.base}view`
    const made = photos.get(address) ?? element("img")
    photos.delete(address)
    photos.set(address, made)
    if (!made.src) {
      made.alt = card.path
      made.draggable = false
      made.style.backgroundImage = `url("${card.base}card")` // until it is loaded
      made.onload = () => (made.style.backgroundImage = "none")
      made.onerror = () => explain(made, `${card.base}view`, texts)
      made.src = address
    }
    if (photos.size > KEPT) photos.delete(photos.keys().next().value)
    return made
  }

  function show(wanted) {
    index = (wanted + cards.length) % cards.length
    const card = cards[index]
    image = card.base ? photo(card) : null
    const reason = image ? image.reason : texts.missing
    stage.replaceChildren(reason ? element("p", "ps-missing", reason) : image, previous, next)
    for (const by of [1, -1, 2]) {
      const other = cards[(index + by + cards.length) % cards.length]
      if (other.base) photo(other).decode?.().catch(() => {})
    }
    position.textContent = texts.position.replace("{number}", index + 1).replace("{count}", cards.length)
    name.textContent = card.path.split("/").pop()
    facts.replaceChildren(
      ...card.facts.flatMap(([label, value]) => {
        const text = element("dd")
        text.append(element("bdi", "", value))
        return [element("dt", "", label), text]
      }),
    )
    captions.replaceChildren(...card.captions.map((caption) => element("li", "", caption)))
    captions.hidden = !card.captions.length
    download.hidden = own.hidden = !card.base
    if (card.base) download.href = `${card.base}file`
    copy.hidden = !card.file
    copy.textContent = texts.copy_path
    zoomTo(1)
  }

  // Returns the part of its own size at which the photo fits on the stage.
  function fit() {
    const card = cards[index]
    return Math.min(stage.clientWidth / card.width, stage.clientHeight / card.height, 1)
  }

  function ownSize() {
    return Math.max(1 / fit(), 1) > 1.01 ? 1 / fit() : 2 // a small photo is enlarged
  }

  // Zooms around a point of the stage, relative to its center.
  function zoomTo(wanted, atX = 0, atY = 0) {
    if (!image) return
    const before = zoom
    zoom = Math.min(Math.max(wanted, 1), 4 * ownSize())
    place(atX - ((atX - x) * zoom) / before, atY - ((atY - y) * zoom) / before)
    own.ariaPressed = String(zoom > 1)
    if (zoom > 1) sharpen(image, cards[index])
  }

  function place(toX, toY) {
    const { width, height } = cards[index]
    const scale = fit()
    const room = (size, available) => Math.max(0, (size * scale * zoom - available) / 2)
    const [roomX, roomY] = [room(width, stage.clientWidth), room(height, stage.clientHeight)]
    x = Math.min(Math.max(toX, -roomX), roomX)
    y = Math.min(Math.max(toY, -roomY), roomY)
    image.style.width = `${width * scale}px`
    image.style.height = `${height * scale}px`
    image.style.transform = `translate(${x}px, ${y}px) scale(${zoom})`
    stage.classList.toggle("ps-zoomed", zoom > 1)
  }

  // Replaces a picture by the photo with all of its pixels.
  async function sharpen(shown, card) {
    if (shown.sharp || Math.max(card.width, card.height) <= Math.max(shown.naturalWidth, shown.naturalHeight)) return
    shown.sharp = true
    const full = element("img")
    full.src = `${card.base}full`
    await full.decode().catch(() => (shown.sharp = false))
    if (shown.sharp) shown.src = full.src
  }

  function play(on) {
    if (timer !== null) clearInterval(timer)
    timer = on ? setInterval(() => show(index + 1), SLIDE_MS) : null
    slideshow.replaceChildren(icon(on ? "pause" : "play"))
    slideshow.ariaPressed = String(on)
  }

  function step(by) {
    play(false)
    show(index + by)
  }

  async function copyPath() {
    try {
      await navigator.clipboard.writeText(cards[index].file)
      copy.textContent = texts.copied
    } catch {
      copy.textContent = texts.not_copied
    }
  }

  function leave(what) {
    const path = cards[index].path
    dialog.close()
    act(what, path)
  }

  const previous = action("previous", () => step(-1), texts.previous)
  const next = action("next", () => step(1), texts.next)
  previous.classList.add("ps-previous")
  next.classList.add("ps-next")
  const similar = action(texts.more_like, () => leave("similar"))
  similar.classList.add("ps-primary")
  const header = element("div", "ps-header")
  header.append(position, slideshow, own, action("close", () => dialog.close(), texts.close))
  const actions = element("div", "ps-actions")
  actions.append(similar, action(texts.describe, () => leave("describe")), download, copy)
  const panel = element("div", "ps-panel")
  panel.append(header, name, actions, facts, captions)
  dialog.append(stage, panel)
  dialog.ariaLabel = texts.detail
  dialog.tabIndex = -1
  position.role = "status"
  captions.ariaLabel = texts.captions
  download.download = ""

  const keys = {
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    Home: () => step(-index),
    End: () => step(cards.length - 1 - index),
    "+": () => zoomTo(zoom * STEP),
    "=": () => zoomTo(zoom * STEP),
    "-": () => zoomTo(zoom / STEP),
    0: () => zoomTo(1),
    s: () => play(timer === null),
  }
  dialog.onkeydown = (event) => {
    event.stopPropagation() // the page has keys of its own
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return
    event.preventDefault()
    keys[event.key]()
  }
  dialog.onclose = () => {
    play(false)
    closed(index)
  }
  stage.onwheel = (event) => {
    event.preventDefault()
    zoomTo(event.deltaY < 0 ? zoom * STEP : zoom / STEP, ...center(event))
  }
  stage.ondblclick = (event) => {
    if (!event.target.closest("button")) zoomTo(zoom > 1 ? 1 : ownSize(), ...center(event))
  }
  function center(event) {
    const box = stage.getBoundingClientRect()
    return [event.clientX - box.x - box.width / 2, event.clientY - box.y - box.height / 2]
  }

  // One pointer moves a photo that is zoomed in, and turns to the next one otherwise; two pointers zoom.
  stage.onpointerdown = (event) => {
    if (event.target.closest("button")) return
    stage.setPointerCapture(event.pointerId)
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY, fromX: event.clientX, fromY: event.clientY })
  }
  stage.onpointermove = (event) => {
    const held = pointers.get(event.pointerId)
    if (!held || !image) return
    const other = [...pointers.values()].find((each) => each !== held)
    const [movedX, movedY] = [event.clientX - held.x, event.clientY - held.y]
    if (other) {
      const distance = (each) => Math.hypot(each.x - other.x, each.y - other.y) || 1
      zoomTo((zoom * distance({ x: event.clientX, y: event.clientY })) / distance(held), ...center(event))
    } else if (zoom > 1) {
      place(x + movedX, y + movedY)
    }
    Object.assign(held, { x: event.clientX, y: event.clientY }, other && { fromX: event.clientX, fromY: event.clientY })
  }
  stage.onpointerup = stage.onpointercancel = (event) => {
    const held = pointers.get(event.pointerId)
    pointers.delete(event.pointerId)
    if (!held || zoom > 1 || pointers.size || event.type === "pointercancel") return
    const [movedX, movedY] = [event.clientX - held.fromX, event.clientY - held.fromY]
    if (Math.abs(movedX) > SWIPE && Math.abs(movedX) > Math.abs(movedY)) step(movedX < 0 ? 1 : -1)
  }
  new ResizeObserver(() => dialog.open && zoomTo(zoom)).observe(stage)
  root.append(dialog)

  return {
    dialog,
    open(shown, at, whenClosed) {
      cards = shown
      closed = whenClosed
      dialog.showModal()
      dialog.focus()
      show(at)
    },
  }
}
