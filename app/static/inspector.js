// The inspector's page in the browser: turns touches into messages for the server (app/inspector/page.py), one after the other, and keeps
// what was typed while a page is shown anew. window.pestcheck.at: where the tablet is; .send(deed, form, at): ask for something.
(() => {
  'use strict';
  const RETRY = 8000, POLL = 1000;
  const $ = (selector, from = document) => from.querySelector(selector);
  const pestcheck = Object.assign(window.pestcheck, { at: {}, send, busy: null });

  // Ids: UUID version 7 (RFC 9562), so that a message sent twice changes nothing.
  function uuid7() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    let now = Date.now();
    for (let i = 5; i >= 0; i--) { bytes[i] = now % 256; now = Math.floor(now / 256); }
    bytes[6] = bytes[6] & 0x0f | 0x70;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5');
  }

  function placeOf(address) {
    const place = Object.fromEntries(new URLSearchParams(address));
    try { if (place.draft) place.draft = JSON.parse(place.draft); } catch { delete place.draft; }
    return place;
  }

  // --- messages -----------------------------------------------------------------------------------------------------------------------
  // One message at a time, so that answers come in order. A look changes nothing: what is touched while one is under way comes next, the last
  // touch only. A deed is finished first, and what is touched meanwhile, on a page that is about to change, does not count.
  let next = null;

  function send(deed, form = {}, at = pestcheck.at, byItself = false) {
    const busy = { message: { id: uuid7(), do: deed, at, form }, tries: 0 };
    if (pestcheck.busy) {
      if (byItself || pestcheck.busy.message.do !== 'look') return false;
      next = busy;
      return true;
    }
    pestcheck.busy = busy;
    put();
    return true;
  }

  function put() {
    const box = $('#message textarea, #message input'), busy = pestcheck.busy;
    if (!busy) return;
    if (box) {
      busy.tries += 1;
      box.value = JSON.stringify({ ...busy.message, tries: busy.tries });
      box.dispatchEvent(new Event('input', { bubbles: true }));
    }
    busy.timer = setTimeout(put, box ? RETRY : 50);
  }

  function answered() {
    const answer = $('#answer');
    if (!answer) return;
    const { id, at, address, language } = answer.dataset;  // no id: an answer to photographs
    if (id && (!pestcheck.busy || pestcheck.busy.message.id !== id)) return;  // the second answer to what was sent twice
    if (id) {
      clearTimeout(pestcheck.busy.timer);
      pestcheck.busy = next;
      if (next) { next = null; put(); return; }
    }
    document.querySelectorAll('.b.busy, .card.busy').forEach((one) => one.classList.remove('busy'));
    document.documentElement.lang = language;
    pestcheck.at = JSON.parse(at);
    const now = location.search || '?';
    if (now !== address) {
      const first = !history.state;
      history[first ? 'replaceState' : 'pushState']({ pestcheck: true }, '', address === '?' ? location.pathname : address);
    } else if (!history.state) history.replaceState({ pestcheck: true }, '');
    clearTimeout(hushing);
    const toast = $('.toast.good', answer);
    if (toast) hushing = setTimeout(() => toast.remove(), 12000);
    clearTimeout(polling);
    polling = setTimeout(poll, POLL);
  }
  let hushing, polling;

  function poll() {
    clearTimeout(polling);
    if (!$('[data-waiting]') || document.hidden || (pestcheck.stroke && pestcheck.stroke())) { polling = setTimeout(poll, POLL); return; }
    if (!send('look', {}, pestcheck.at, true)) polling = setTimeout(poll, POLL);
  }

  // --- a page is shown ------------------------------------------------------------------------------------------------------------------
  let last = '', kept = {};
  const fieldsOf = (page) => page.querySelectorAll('input[name], textarea[name], input[type=search]');

  function remember(event) {
    for (const refusal of document.querySelectorAll('.toast.warn')) refusal.remove();  // it is being mended: nothing is to lie over the page
    if (event.target.closest && event.target.closest('.page')) kept[event.target.name || event.target.id] = event.target.value;
    const { keep } = event.target.dataset || {};
    if (keep) localStorage.setItem('pestcheck-' + keep, event.target.value);
    if (event.target.dataset && event.target.dataset.search) search(event.target);
  }

  function pageShown() {
    const page = $('#screen .page');
    if (!page) return;
    const anew = page.dataset.page !== last;
    last = page.dataset.page;
    if (anew) kept = {};
    for (const field of fieldsOf(page)) {
      const typed = kept[field.name || field.id];
      if (anew && field.type !== 'search' && field.value !== field.defaultValue) field.value = field.defaultValue;
      if (typed !== undefined) field.value = typed;
      else if (field.dataset.keep && !field.value) field.value = localStorage.getItem('pestcheck-' + field.dataset.keep) || '';
      if (field.dataset.search && field.value) search(field);
    }
    if (anew) {
      scrollTo(0, 0);
      $('h1', page).focus({ preventScroll: true });
    }
    const title = $('h1', page).textContent;
    document.title = title === 'pestcheck' ? title : title + ' · pestcheck';
    document.dispatchEvent(new CustomEvent('pestcheck:page', { detail: { page, anew } }));
    pestcheck.theme();
  }

  function search(field) {
    const wanted = field.value.trim().toLocaleLowerCase();
    for (const one of document.querySelectorAll(field.dataset.search + ' [data-text]')) one.hidden = !one.dataset.text.includes(wanted);
    for (const group of document.querySelectorAll(field.dataset.search + ' .group')) group.hidden = !$('[data-text]:not([hidden])', group);
  }

  // --- touches ----------------------------------------------------------------------------------------------------------------------
  const zone = () => {
    const minutes = -new Date().getTimezoneOffset(), two = (n) => String(Math.floor(Math.abs(n))).padStart(2, '0');
    return (minutes < 0 ? '-' : '+') + two(minutes / 60) + ':' + two(minutes % 60);
  };

  function ask(element, deed) {
    const form = element.closest('form'), values = { zone: zone() };
    // What was typed, also where the page has just been shown anew and its fields are not filled again yet.
    if (form) for (const field of form.querySelectorAll('[name]')) values[field.name] = kept[field.name] ?? field.value;
    Object.assign(values, JSON.parse(element.dataset.form || '{}'));
    if (send(deed, values, element.dataset.at ? JSON.parse(element.dataset.at) : pestcheck.at)) element.classList.add('busy');
  }

  const presses = {
    settings: () => $('#settings').showModal(),
    'settings-close': () => $('#settings').close(),
    hush: (element) => element.closest('.toast').remove(),
    print: () => window.print(),
    read: () => file('read'),
  };
  pestcheck.presses = presses;

  // Gradio's upload button: its input lies before it. Photographs that are kept go another way (outbox.js).
  const input = (name) => { const button = $('#outbox #' + name); return button && button.previousElementSibling; };
  const file = (name) => input(name).click();

  // A finger in a glove presses long, and the page may be shown anew under it: the browser then makes no click of the touch. It counts all the
  // same where finger went down and up on the same thing, and only once.
  const THINGS = '#screen :is([data-do], [data-press], [data-fill], a[href^="?"]):not(form), #told button', LATE = 250, AFTER = 700, STILL = 24;
  const thing = (target) => target && target.closest && target.closest(THINGS);
  const named = (one) => one && JSON.stringify([one.tagName, { ...one.dataset }, one.getAttribute('href')]);
  const near = (one, other) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) < STILL;
  let finger = null, clicked = 0, made = null;

  document.addEventListener('pointerdown', (event) => {
    finger = event.pointerType === 'touch' && event.isPrimary ? { clientX: event.clientX, clientY: event.clientY, name: named(thing(event.target)) } : null;
  }, true);
  document.addEventListener('pointercancel', () => { finger = null; }, true);
  document.addEventListener('pointerup', (event) => {
    const down = finger, before = clicked;
    finger = null;
    if (!down || !down.name || !near(down, event)) return;
    setTimeout(() => {
      const now = thing(document.elementFromPoint(event.clientX, event.clientY));
      if (clicked !== before || named(now) !== down.name) return;
      made = { clientX: event.clientX, clientY: event.clientY, at: performance.now() };
      now.click();
    }, LATE);
  }, true);
  document.addEventListener('contextmenu', (event) => { if (finger && thing(event.target)) event.preventDefault(); });
  document.addEventListener('click', (event) => {
    if (!event.isTrusted) return;
    clicked += 1;
    if (made && performance.now() - made.at < AFTER && near(made, event)) { event.preventDefault(); event.stopImmediatePropagation(); }
  }, true);

  document.addEventListener('click', (event) => {
    const element = event.target.closest('[data-do], [data-press], [data-fill], a[href^="?"], #refresh');
    if (!element || element.tagName === 'FORM') return;
    if (element.id === 'refresh' || element.closest('#refresh')) send('look');
    else if (element.dataset.do) ask(element, element.dataset.do);
    else if (element.dataset.press) presses[element.dataset.press](element);
    else if (element.dataset.fill !== undefined) {
      const field = $('#screen [name=value]');
      if (field) { field.value = element.dataset.fill; field.dispatchEvent(new Event('input', { bubbles: true })); field.focus(); }
    } else if (!event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      if (send('look', {}, placeOf(new URL(element.getAttribute('href'), location.href).search))) element.classList.add('busy');
    }
  });
  document.addEventListener('submit', (event) => {
    if (!event.target.dataset.do) return;
    event.preventDefault();
    const button = $('.primary[data-do]', event.target);
    if (button) ask(button, button.dataset.do);
  });
  document.addEventListener('keydown', (event) => {  // Enter in a field sends it; the buttons are of type "button"
    if (event.key !== 'Enter' || event.target.tagName !== 'INPUT' || event.target.type === 'search') return;
    const form = event.target.closest('form[data-do]');
    if (form) { event.preventDefault(); form.requestSubmit(); }
  });
  document.addEventListener('input', remember);
  addEventListener('popstate', () => send('look', {}, placeOf(location.search)));
  addEventListener('online', () => { if (pestcheck.busy) { clearTimeout(pestcheck.busy.timer); put(); } });

  // A photograph that was just taken is the one to be shown (static/outbox.js says when the server has it).
  document.addEventListener('pestcheck:changed', () => { if (pestcheck.at.step === 'point') delete pestcheck.at.photograph; });

  document.addEventListener('pestcheck:language', (event) => { event.preventDefault(); $('#settings').close(); send('look'); });

  // --- start -----------------------------------------------------------------------------------------------------------------------------
  let turn;
  new MutationObserver(() => {
    // Gradio changes what is there rather than putting something else in its place.
    const answer = $('#answer'), page = $('#screen .page');
    if (answer && answer.dataset.turn !== turn) { turn = answer.dataset.turn; answered(); setTimeout(pageShown); }
    if (page && page.dataset.page !== last) pageShown();
  }).observe(document.documentElement, { childList: true, subtree: true, attributeFilter: ['data-turn', 'data-page'] });
  pestcheck.at = placeOf(location.search);
  send('look');
})();
