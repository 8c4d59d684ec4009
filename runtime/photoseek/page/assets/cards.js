// The hits as rows of whole photos; near-duplicates are hidden until the person expands them.
const TAIL = 9 // characters at the end of a name that are always shown, such as a number and the suffix
const [NARROWEST, WIDEST] = [0.7, 2.6] // shapes of a tile; other photos have margins

// Replaces a photo that cannot be shown; the server answers with the reason instead of a picture.
async function explain(image, address, texts) {
  let text = texts.missing
  try {
    const { reason } = await (await fetch(address)).json()
    if (reason !== null) text = texts.unreadable.replace("{reason}", () => reason)
  } catch {
    text = texts.unreadable.replace("{reason}", "")
  }
  image.reason = text
  image.replaceWith(element("span", "ps-missing", text))
}

function picture(card, texts) {
  const frame = element("span", "ps-photo")
  if (!card.base) {
    frame.append(element("span", "ps-missing", texts.missing))
    return frame
  }
  const image = element("img")
  image.loading = "lazy"
  image.decoding = "async"
  image.alt = ""
  image.onerror = () => explain(image, image.src, texts)
  image.src = `${card.base}card`
  frame.append(image)
  return frame
}

// Returns a name in one line, whose middle is left out if it is long.
function fileName(path) {
  const characters = [...path.split("/").pop()]
  const made = element("span", "ps-path")
  made.title = path
  made.append(
    element("span", "ps-begin", characters.slice(0, -TAIL).join("")),
    element("span", "ps-end", characters.slice(-TAIL).join("")),
  )
  return made
}

// Returns that the photo likely matches, or which of its texts contains the words of the query.
function match(card, texts) {
  const made = element("span", "ps-match", card.word)
  made.title = [card.matched && texts.matched, card.exact].filter(Boolean).join(" · ")
  return made
}

function caption(card, texts) {
  const text = element("span", "ps-caption")
  const line = element("span", "ps-line")
  line.append(element("span", "ps-date", card.date))
  if (card.incomplete) line.append(element("span", "ps-incomplete", card.incomplete))
  if (card.word) line.append(match(card, texts))
  text.append(fileName(card.path), line)
  if (card.detail) text.append(element("span", "ps-detail", card.detail))
  return text
}

function item(card, texts, root) {
  const made = element("li", "ps-card")
  made.card = card
  made.style.setProperty("--shape", Math.min(Math.max(card.width / card.height, NARROWEST), WIDEST))
  const button = element("button", "ps-open")
  button.type = "button"
  button.ariaLabel = texts.open.replace("{path}", () => card.path)
  button.onclick = (event) => {
    if (event.shiftKey) root.selection.extend(card)
    else if (event.ctrlKey || event.metaKey) root.selection.toggle(card)
    else root.open(card)
  }
  button.append(picture(card, texts), caption(card, texts))
  made.append(button)
  if (card.base) made.append(selectionMark(card, texts, root), root.albums.heart(card, texts))
  return made
}

function expandable(head, folded, { more: label, expanded }, texts, root) {
  const button = element("button", "ps-duplicates", expanded ? texts.fewer : label)
  button.type = "button"
  button.ariaExpanded = String(Boolean(expanded))
  button.onclick = () => {
    const shown = button.ariaExpanded === "true"
    button.ariaExpanded = String(!shown)
    button.textContent = shown ? label : texts.fewer
    for (const other of folded) other.hidden = shown
    root.selection.refresh()
  }
  head.classList.add("ps-stack")
  head.append(button)
}

// Returns the heading above a card, which begins a section, and what fills the row before it.
function section(card) {
  if (!card.section) return []
  const fill = element("li", "ps-fill")
  fill.ariaHidden = "true"
  const made = element("li", "ps-section")
  made.append(element("h3", "", card.section))
  return [fill, made]
}

// Returns the items of a card: the photo, and its near-duplicates, hidden at first.
function items(card, texts, root) {
  const head = item(card, texts, root)
  const folded = card.duplicates.map((other) => item(other, texts, root))
  for (const other of folded) {
    other.hidden = !card.expanded
    other.classList.add("ps-folded")
  }
  if (folded.length && card.more) expandable(head, folded, card, texts, root)
  return [...section(card), head, ...folded]
}

// Keeps the cards that both lists begin with, so that a longer list neither moves nor loads them again; other photos are
// shown from the first one on.
function draw(root, data) {
  const drawn = root.drawn ?? { texts: "", cards: [] }
  const texts = JSON.stringify(data.texts)
  const keys = data.cards.map((card) => JSON.stringify(card))
  let same = 0
  while (drawn.texts === texts && same < keys.length && drawn.cards[same]?.key === keys[same]) same++
  if (!same && drawn.cards.length) root.getRootNode().host?.closest("[data-testid=stMain]")?.scrollTo(0, 0)
  const focused = root.list.contains(root.getRootNode().activeElement)
  for (const { made } of drawn.cards.slice(same)) made.forEach((each) => each.remove())
  const added = data.cards.slice(same).map((card, index) => ({ key: keys[same + index], made: items(card, data.texts, root) }))
  root.list.append(...added.flatMap(({ made }) => made))
  root.drawn = { texts, cards: [...drawn.cards.slice(0, same), ...added] }
  if (focused && !root.list.contains(root.getRootNode().activeElement)) visibleButtons(root)[0]?.focus()
  return added[0]?.made.find((each) => each.matches(".ps-card"))
}

// Marks the photo at a path, and shows and focuses it once.
function mark(root, path) {
  const found = [...root.list.querySelectorAll(".ps-card")].find((each) => each.card.path === path)
  const button = found?.querySelector(".ps-open")
  for (const each of root.list.querySelectorAll("[aria-current]")) if (each !== button) each.ariaCurrent = null
  if (button) button.ariaCurrent = "true"
  if (button && root.marked !== path) {
    found.scrollIntoView({ block: "center" })
    button.focus({ preventScroll: true })
  }
  root.marked = path
}

function more(label, trigger) {
  const button = element("button", "ps-more", label)
  button.type = "button"
  button.onclick = () => {
    button.disabled = true // until the list is longer
    trigger()
  }
  return button
}

// Returns the button that selects photos of all groups and nothing else, also of those that are not shown yet.
function copies({ label, cards }, root) {
  const button = element("button", "ps-more ps-copies", label)
  button.type = "button"
  button.onclick = () => root.selection.replace(cards)
  return button
}

// Asks for more cards. The address changes here first, because it would be a step of the browser's history otherwise.
function showMore({ cards, next }, setTriggerValue) {
  if (next) history.replaceState(history.state, "", `?${next}`)
  setTriggerValue("more", cards.length)
}

// Returns the button that an arrow key moves to: the next one of the row, or the nearest one of the next row.
function neighbor(buttons, from, key) {
  const at = buttons.indexOf(from)
  if (key === "Home" || key === "End") return buttons.at(key === "Home" ? 0 : -1)
  if (key === "ArrowLeft" || key === "ArrowRight") return buttons[at + (key === "ArrowLeft" ? -1 : 1)]
  const box = (button) => button.getBoundingClientRect()
  const center = (button) => box(button).x + box(button).width / 2
  const down = key === "ArrowDown"
  const beyond = buttons.filter((each) => (down ? box(each).y > box(from).y + 1 : box(each).y < box(from).y - 1))
  const row = box(beyond.at(down ? 0 : -1) ?? from).y
  const [nearest] = beyond
    .filter((each) => Math.abs(box(each).y - row) <= 1)
    .sort((one, other) => Math.abs(center(one) - center(from)) - Math.abs(center(other) - center(from)))
  return nearest
}

function press(event, root) {
  const from = event.target.closest(".ps-card")?.querySelector(".ps-open")
  if (from && root.selection.press(event, from.parentElement.card)) event.preventDefault()
  const keys = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"]
  if (!from || !keys.includes(event.key) || event.ctrlKey || event.metaKey || event.altKey) return
  event.preventDefault()
  neighbor(visibleButtons(root), from, event.key)?.focus()
}

const visibleButtons = (root) => [...root.list.querySelectorAll(".ps-card:not([hidden]) .ps-open")]

// Moves from the text of the query to the first photo.
function enter(event, root) {
  if (event.key !== "ArrowDown" || event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return
  if (!event.target.closest?.(".st-key-q-field") || !root.list.checkVisibility()) return
  event.preventDefault()
  visibleButtons(root)[0]?.focus()
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".ps-component")
  if (!root.list) {
    root.list = root.appendChild(element("ol", "ps-grid"))
    root.list.onkeydown = (event) => press(event, root)
    root.selection = new Selection(root)
    followFingers(root)
    root.albums = new Albums(root)
  }
  const texts = JSON.stringify(data.texts)
  if (root.texts !== texts) {
    root.viewer?.dialog.remove()
    root.viewer = createViewer(root, data.texts, (action, path) => setTriggerValue("chosen", { action, path }), root)
    root.texts = texts
  }
  const shown = () => visibleButtons(root).map((button) => button.parentElement.card)
  const loadMore = data.more ? () => showMore(data, setTriggerValue) : null
  // The viewer shows and counts the same photos as the grid.
  root.open = (card) => root.viewer.open(shown(), shown().indexOf(card), (index) => visibleButtons(root)[index]?.focus(), loadMore)
  root.querySelector(".ps-copies")?.remove()
  if (data.copies) root.list.before(copies(data.copies, root))
  const before = root.querySelector(".ps-more:not(.ps-copies)")
  const first = draw(root, data)
  root.getRootNode().host?.setAttribute("data-drawn", "") // for the style of the page
  if (before?.disabled && first) first.querySelector("button").focus({ preventScroll: true }) // it was on the old button
  before?.remove()
  mark(root, data.at)
  if (data.more) root.list.after(more(data.more, () => showMore(data, setTriggerValue)))
  root.reload = (album) => setTriggerValue("reload", album)
  root.findAll = () => setTriggerValue("found", true)
  root.viewer.extend(shown(), loadMore)
  root.selection.update(data.selection)
  root.albums.update(data.selection, data.texts)
  root.append(root.selection.bar.element)
  const step = () => root.viewer.entry.step()
  const descend = (event) => enter(event, root)
  addEventListener("popstate", step)
  document.addEventListener("keydown", descend)
  return () => {
    removeEventListener("popstate", step)
    document.removeEventListener("keydown", descend)
  }
}
