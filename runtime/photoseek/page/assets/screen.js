// Full screen: the photo without the panel, on the entire screen where the browser allows it, and else on the entire
// page. The controls disappear while nothing moves.
const IDLE_MS = 2500

class FullScreen {
  // ``frame`` is what the browser enlarges, since it does not enlarge a dialog; ``left`` is called after leaving.
  constructor(dialog, frame, label, left) {
    Object.assign(this, { dialog, frame, left, on: false, timer: null })
    this.button = iconButton("full", label, () => this.toggle())
    frame.addEventListener("fullscreenchange", () => this.on && !this.enlarged && this.set(false))
    for (const event of ["pointermove", "pointerdown", "keydown"]) dialog.addEventListener(event, () => this.wake())
    dialog.oncancel = (event) => {
      if (!this.on || event.target !== dialog) return
      event.preventDefault() // Escape leaves one thing at a time
      this.set(false)
    }
  }

  get enlarged() {
    return this.frame.matches(":fullscreen")
  }

  toggle() {
    this.set(!this.on)
    if (this.on) this.enlarge()
  }

  set(on) {
    if (this.on === on) return
    this.on = on
    this.dialog.classList.toggle("ps-alone", on)
    this.button.replaceChildren(icon(on ? "part" : "full"))
    this.button.ariaPressed = String(on)
    this.wake()
    if (on) return
    if (this.enlarged) document.exitFullscreen()
    this.left()
  }

  async enlarge() {
    try {
      await this.frame.requestFullscreen()
    } catch {
      return // the browser cannot, or may not
    }
    if (!this.on) document.exitFullscreen() // left before it began
  }

  wake() {
    clearTimeout(this.timer)
    this.dialog.classList.remove("ps-idle")
    if (this.on) this.timer = setTimeout(() => this.dialog.classList.add("ps-idle"), IDLE_MS)
  }
}
