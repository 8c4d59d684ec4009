// The stage of the viewer: one photo with zoom, by wheel, pointers and keys. Photos beside it are loaded in advance, so
// that a step needs no server.
const KEPT = 12 // photos
const SWIPE = 48 // pixels
const STILL = 10 // pixels that a finger moves in a tap
const DOUBLE_MS = 300 // between the taps of a double tap

// Returns a function that returns the image of a card, from memory if it was shown or loaded in advance.
function photoMemory(texts) {
  const photos = new Map() // image elements by address, the latest last
  return (card) => {
    const address = `${card.base}view`
    const made = photos.get(address) ?? element("img")
    photos.delete(address)
    photos.set(address, made)
    if (!made.src) {
      made.alt = card.path
      made.draggable = false
      made.style.backgroundImage = `url("${card.base}card")` // until it is loaded
      made.onload = () => (made.style.backgroundImage = "none")
      made.onerror = () => explain(made, address, texts)
      made.src = address
    }
    if (photos.size > KEPT) photos.delete(photos.keys().next().value)
    return made
  }
}

// Replaces a picture by the photo with all of its pixels.
async function sharpen(image, card) {
  if (image.sharp || Math.max(card.width, card.height) <= Math.max(image.naturalWidth, image.naturalHeight)) return
  image.sharp = true
  const full = element("img")
  full.src = `${card.base}full`
  await full.decode().catch(() => (image.sharp = false))
  if (image.sharp) image.src = full.src
}

// Zooms and moves the image of a stage; 1 is the zoom at which the entire photo fits.
class Zoom {
  constructor(stage, changed) {
    Object.assign(this, { stage, changed, image: null, card: null, zoom: 1, x: 0, y: 0 })
  }

  show(image, card) {
    Object.assign(this, { image, card, zoom: 1, x: 0, y: 0 })
    this.to(1)
  }

  get on() {
    return this.zoom > 1
  }

  // The part of its own size at which the photo fits on the stage.
  get fit() {
    const { card, stage } = this
    return Math.min(stage.clientWidth / card.width, stage.clientHeight / card.height, 1)
  }

  // The zoom at which a pixel of the photo is a pixel of the page.
  get own() {
    return 1 / this.fit
  }

  get isOwn() {
    return Math.abs(this.zoom * this.fit - 1) < 0.005
  }

  // Zooms around a point of the stage, relative to its center.
  to(wanted, atX = 0, atY = 0) {
    if (!this.image) return
    const before = this.zoom
    this.zoom = Math.min(Math.max(wanted, 1), 4 * this.own)
    this.place(atX - ((atX - this.x) * this.zoom) / before, atY - ((atY - this.y) * this.zoom) / before)
    this.changed()
    if (this.on) sharpen(this.image, this.card)
  }

  by(factor, ...at) {
    this.to(this.zoom * factor, ...at)
  }

  toggle(...at) {
    this.to(this.on ? 1 : this.own, ...at)
  }

  toOwn() {
    this.to(this.isOwn ? 1 : this.own)
  }

  // Keeps the size of a photo that is zoomed in.
  resize() {
    this.to(this.on ? this.scale / this.fit : 1)
  }

  place(toX, toY) {
    const { card, stage, image, fit, zoom } = this
    this.scale = fit * zoom // pixels of the page for one of the photo
    const room = (size, available) => Math.max(0, (size * fit * zoom - available) / 2)
    const [roomX, roomY] = [room(card.width, stage.clientWidth), room(card.height, stage.clientHeight)]
    this.x = Math.min(Math.max(toX, -roomX), roomX)
    this.y = Math.min(Math.max(toY, -roomY), roomY)
    image.style.width = `${card.width * fit}px`
    image.style.height = `${card.height * fit}px`
    image.style.transform = `translate(${this.x}px, ${this.y}px) scale(${zoom})`
    stage.classList.toggle("ps-zoomed", this.on)
  }
}

// One pointer moves a photo that is zoomed in, and turns to the next one otherwise; two pointers zoom. A tap of a finger
// calls ``tapped``, two of them zoom, and a swipe down calls ``pulled``.
function followPointers(stage, zoom, { turn, tapped, pulled }) {
  const pointers = new Map()
  let first = null // timer of a tap, after which it is not a double tap
  const center = (event) => {
    const box = stage.getBoundingClientRect()
    return [event.clientX - box.x - box.width / 2, event.clientY - box.y - box.height / 2]
  }
  const tap = () => {
    const double = first !== null
    clearTimeout(first)
    first = double ? null : setTimeout(() => ((first = null), tapped()), DOUBLE_MS)
  }
  stage.onwheel = (event) => {
    event.preventDefault()
    if (event.deltaY) zoom.by(event.deltaY < 0 ? STEP : 1 / STEP, ...center(event))
  }
  stage.ondblclick = (event) => {
    if (!event.target.closest("button")) zoom.toggle(...center(event))
  }
  stage.onpointerdown = (event) => {
    if (event.target.closest("button")) return
    stage.setPointerCapture(event.pointerId)
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY, fromX: event.clientX, fromY: event.clientY })
  }
  stage.onpointermove = (event) => {
    const held = pointers.get(event.pointerId)
    if (!held || !zoom.image) return
    const other = [...pointers.values()].find((each) => each !== held)
    const now = { x: event.clientX, y: event.clientY }
    if (other) {
      const distance = (each) => Math.hypot(each.x - other.x, each.y - other.y) || 1
      zoom.by(distance(now) / distance(held), ...center(event))
    } else if (zoom.on) {
      zoom.place(zoom.x + now.x - held.x, zoom.y + now.y - held.y)
    }
    Object.assign(held, now, other && { fromX: now.x, fromY: now.y })
  }
  stage.onpointerup = stage.onpointercancel = (event) => {
    const held = pointers.get(event.pointerId)
    pointers.delete(event.pointerId)
    if (!held || zoom.on || pointers.size || event.type === "pointercancel") return
    const [movedX, movedY] = [event.clientX - held.fromX, event.clientY - held.fromY]
    const touched = event.pointerType === "touch"
    if (touched && Math.hypot(movedX, movedY) < STILL) tap()
    if (touched && movedY > 2 * SWIPE && movedY > 2 * Math.abs(movedX)) pulled()
    if (Math.abs(movedX) > SWIPE && Math.abs(movedX) > Math.abs(movedY)) turn(movedX < 0 ? 1 : -1)
  }
}
