// The hits as a list of buttons; near-duplicates are hidden until the person expands them.
function element(tag, name, text) {
  const made = document.createElement(tag)
  if (name) made.className = name
  if (text !== undefined) made.textContent = text
  return made
}

// Replaces a photo that cannot be shown; the server answers with the reason instead of a picture.
async function explain(frame, address, texts) {
  let text = texts.missing
  try {
    const { reason } = await (await fetch(address)).json()
    if (reason !== null) text = texts.unreadable.replace("{reason}", () => reason)
  } catch {
    text = texts.unreadable.replace("{reason}", "")
  }
  frame.classList.add("ps-no-picture")
  frame.replaceChildren(text)
}

function picture(card, texts) {
  if (!card.picture) return element("span", "ps-photo ps-no-picture", texts.missing)
  const frame = element("span", "ps-photo")
  const image = element("img")
  image.loading = "lazy"
  image.decoding = "async"
  image.alt = ""
  image.onerror = () => explain(frame, card.picture, texts)
  image.src = card.picture
  frame.append(image)
  return frame
}

function caption(card, texts) {
  const text = element("span", "ps-caption")
  const path = element("span", "ps-path")
  path.title = card.path
  path.append(element("bdi", "", card.path))
  const facts = element("span", "ps-facts")
  facts.append(element("span", "ps-rank", card.rank))
  if (card.incomplete) facts.append(element("span", "ps-incomplete", card.incomplete))
  const sure = card.matched || card.confidence
  if (sure) {
    const confidence = element("span", "ps-confidence", sure)
    confidence.title = card.matched ? texts.matched : texts.confidence
    facts.append(confidence)
  }
  const score = element("span", "ps-score", card.score)
  score.title = texts.score
  facts.append(score)
  text.append(path, facts)
  return text
}

function item(card, texts, open) {
  const made = element("li", "ps-card")
  const button = element("button", "ps-open")
  button.type = "button"
  button.setAttribute("aria-label", texts.open.replace("{path}", () => card.path))
  button.onclick = () => open(card.path)
  button.append(picture(card, texts), caption(card, texts))
  made.append(button)
  return made
}

function expandable(head, folded, label, texts) {
  const button = element("button", "ps-duplicates", label)
  button.type = "button"
  button.setAttribute("aria-expanded", "false")
  button.onclick = () => {
    const shown = button.getAttribute("aria-expanded") === "true"
    button.setAttribute("aria-expanded", String(!shown))
    button.textContent = shown ? label : texts.fewer
    for (const other of folded) other.hidden = shown
  }
  head.classList.add("ps-stack")
  head.append(button)
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

// Returns the items of a card: the photo, and its near-duplicates, hidden at first.
function items(card, texts, open) {
  const head = item(card, texts, open)
  const folded = card.duplicates.map((other) => item(other, texts, open))
  for (const other of folded) {
    other.hidden = true
    other.classList.add("ps-folded")
  }
  if (folded.length) expandable(head, folded, card.more, texts)
  return [head, ...folded]
}

// Keeps the cards that both lists begin with, so that a longer list neither moves nor loads them again.
function draw(root, data, open) {
  const drawn = root.drawn ?? { texts: "", cards: [] }
  const texts = JSON.stringify(data.texts)
  const keys = data.cards.map((card) => JSON.stringify(card))
  let same = 0
  while (drawn.texts === texts && same < keys.length && drawn.cards[same]?.key === keys[same]) same++
  for (const { made } of drawn.cards.slice(same)) made.forEach((each) => each.remove())
  const added = data.cards.slice(same).map((card, index) => ({ key: keys[same + index], made: items(card, data.texts, open) }))
  root.list.append(...added.flatMap(({ made }) => made))
  root.drawn = { texts, cards: [...drawn.cards.slice(0, same), ...added] }
  return added[0]?.made[0]
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".ps-component")
  root.list ??= root.appendChild(element("ol", "ps-grid"))
  const before = root.querySelector(".ps-more")
  const first = draw(root, data, (path) => setTriggerValue("opened", path))
  if (before?.disabled && first) first.querySelector("button").focus({ preventScroll: true }) // it was on the old button
  before?.remove()
  if (data.more) root.append(more(data.more, () => setTriggerValue("more", data.cards.length)))
}
