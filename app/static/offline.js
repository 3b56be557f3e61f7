// What the browser shows by itself, without the server: the state of the connection, what waits to be sent, and a page to go on inspecting
// without a network. All text is set as text, never as HTML.
(() => {
  'use strict';
  const { pestcheck } = window, { outbox } = pestcheck;
  const alone = document.body && document.body.classList.contains('alone');
  const TEXTS = {
    en: {
      page: 'No connection. Photographs are kept on this tablet and sent when it is back. To answer, go on without network.', tapped: 'What you tapped last is sent then, if this page stays open.',
      lost: 'No connection. What you photograph and answer is kept on this tablet and sent when it is back.', go: 'Go on without network', look: 'Look',
      waiting: (n) => `${n} to be sent`, sending: (n) => `Sending: ${n} left`, wrong: (n) => `${n} not taken`, back: 'Back to the page', reload: 'The connection is back. Go on with pestcheck',
      points: 'Points', choose: 'Choose an inspection', none: 'No inspection is kept on this tablet. Open one while there is a network.', take: 'Take photograph', gallery: 'Choose photographs',
      was: 'This point was', result: 'Result', note: 'Note', save: 'Keep answer', say: 'Say whether the point was inspected, and what was seen.', why: 'Say in the note why the point was not inspected or does not apply.',
      inspected: 'Inspected', not_inspected: 'Not inspected', not_applicable: 'Not applicable', no_contamination: 'No contamination seen', contamination: 'Contamination seen',
      open: 'Not answered yet', kept: 'kept on this tablet', photographs: (n) => n === 1 ? '1 photograph' : `${n} photographs`, outbox: 'Not sent yet', empty: 'Everything was sent.',
      wait_network: 'Waiting for the network', wait: 'Waiting', busy: 'Sending', conflict: 'Somebody else was faster', refused: 'Not taken', unread: 'The file could not be read. Take the photograph again.',
      held: (name) => `${name}’s: waits until ${name} signs in`, others: (n) => n === 1 ? '1 waits for somebody else to sign in' : `${n} wait for somebody else to sign in`, you: (name) => `Recorded for ${name}`,
      loose: 'This tablet has no room to keep it. Leave the page open until it is sent, or save it to a file.', damaged: 'It was damaged on the way and is sent again.',
      discard: 'Discard', file: 'Save to a file', mine: 'Send mine all the same', theirs: 'Leave theirs', stale: (when) => `As it was at ${when}. The model looks at photographs when they are sent.`, answer: 'Answer', sure: 'Tap again to discard',
    },
    es: {
      page: 'Sin conexión. Las fotografías se guardan en esta tableta y se envían cuando vuelva. Para responder, siga sin red.', tapped: 'Lo último que tocó se envía entonces, si esta página sigue abierta.',
      lost: 'Sin conexión. Lo que fotografíe y responda se guarda en esta tableta y se envía cuando vuelva.', go: 'Seguir sin red', look: 'Ver',
      waiting: (n) => `${n} por enviar`, sending: (n) => `Enviando: faltan ${n}`, wrong: (n) => `${n} no aceptados`, back: 'Volver a la página', reload: 'La conexión ha vuelto. Seguir con pestcheck',
      points: 'Puntos', choose: 'Elija una inspección', none: 'No hay ninguna inspección guardada en esta tableta. Abra una mientras haya red.', take: 'Tomar fotografía', gallery: 'Elegir fotografías',
      was: 'Este punto fue', result: 'Resultado', note: 'Nota', save: 'Guardar respuesta', say: 'Diga si el punto fue inspeccionado y qué se vio.', why: 'Diga en la nota por qué el punto no fue inspeccionado o no aplica.',
      inspected: 'Inspeccionado', not_inspected: 'No inspeccionado', not_applicable: 'No aplica', no_contamination: 'No se vio contaminación', contamination: 'Se vio contaminación',
      open: 'Sin respuesta todavía', kept: 'guardado en esta tableta', photographs: (n) => n === 1 ? '1 fotografía' : `${n} fotografías`, outbox: 'Todavía no enviado', empty: 'Todo se ha enviado.',
      wait_network: 'Esperando la red', wait: 'En espera', busy: 'Enviando', conflict: 'Otra persona fue más rápida', refused: 'No aceptado', unread: 'No se pudo leer el archivo. Tome la fotografía otra vez.',
      held: (name) => `De ${name}: espera a que ${name} inicie sesión`, others: (n) => n === 1 ? '1 espera a que otra persona inicie sesión' : `${n} esperan a que otra persona inicie sesión`, you: (name) => `Se registra a nombre de ${name}`,
      loose: 'Esta tableta no tiene espacio para guardarla. Deje la página abierta hasta que se envíe, o guárdela en un archivo.', damaged: 'Se dañó en el camino y se envía otra vez.',
      discard: 'Descartar', file: 'Guardar en un archivo', mine: 'Enviar lo mío de todos modos', theirs: 'Dejar lo suyo', stale: (when) => `Como estaba a las ${when}. El modelo mira las fotografías cuando se envían.`, answer: 'Respuesta', sure: 'Toque otra vez para descartar',
    },
  };
  const language = () => {
    const chosen = (document.cookie.match(/pestcheck-language=(\w+)/) || [])[1] || navigator.language.slice(0, 2);
    return TEXTS[chosen] ? chosen : 'en';
  };
  const t = (key, ...values) => { const text = TEXTS[language()][key]; return typeof text === 'function' ? text(...values) : text; };

  function h(tag, properties, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children.filter((one) => one !== null && one !== undefined));
    return element;
  }
  const button = (text, onclick, className = '') => h('button', { type: 'button', onclick, className }, text);

  const sure = new Set();  // what a second tap discards

  // --- one thing that waits ---------------------------------------------------------------------------------------------------------------
  function card(item) {
    const photograph = item.kind === 'photograph', busy = outbox.sending === item.n, held = outbox.held(item);
    const state = held ? t('held', item.owner) : item.state !== 'waiting' ? t(item.state) : busy ? t('busy') : outbox.connected ? t('wait') : t('wait_network');
    const what = photograph ? item.name : [t(item.body.state), item.body.result && t(item.body.result), item.body.note].filter(Boolean).join(': ');
    const says = item.state === 'waiting' && item.says === 'damaged' ? t('damaged') : item.says;
    const row = h('li', { className: `kept ${item.state}` },
      photograph && item.thumb ? h('img', { src: item.thumb, alt: '' }) : null,
      h('div', {}, h('b', {}, `${item.title}: ${what}`), h('small', {}, `${item.number} · ${new Date(item.at).toLocaleString(language())} · ${state}`),
        says ? h('small', { className: 'warn' }, says) : null, item.loose ? h('small', { className: 'warn' }, t('loose')) : null,
        photograph && busy ? h('progress', { max: 1, value: outbox.progress.get(item.n) || 0 }) : null));
    row.dataset.n = item.n;
    if (held) { /* theirs to decide */ } else if (item.state === 'conflict') row.append(button(t('theirs'), () => outbox.discard(item)), button(t('mine'), () => outbox.again(item)));
    else if (['refused', 'unread'].includes(item.state)) row.append(button(t(sure.has(item.n) ? 'sure' : 'discard'), () => {
      if (sure.delete(item.n)) { outbox.discard(item); return; }
      sure.add(item.n);
      setTimeout(() => { if (sure.delete(item.n)) show(); }, 8000);
      show();
    }));
    if (photograph && item.state !== 'unread' && (held || item.state !== 'waiting' || item.loose)) row.append(button(t('file'), () => outbox.save(item)));
    return row;
  }

  // --- the line that says whether there is a connection -----------------------------------------------------------------------------------
  const line = h('div', { id: 'connection', hidden: true });
  line.setAttribute('role', 'status');
  const panel = h('main', { id: 'panel', hidden: !alone });
  const place = { inspection: pestcheck.at.inspection || '', area: '', view: 'points' };

  function showLine(all) {
    const own = all.filter((one) => !outbox.held(one)), others = all.length - own.length;
    const wrong = own.filter((one) => one.state !== 'waiting').length, waiting = own.length - wrong;
    line.hidden = outbox.connected && !all.length && !alone;
    line.className = outbox.connected && !wrong ? 'calm' : '';
    const lost = alone || !panel.hidden ? t('lost') : t('page') + (pestcheck.busy ? ` ${t('tapped')}` : '');
    const says = [outbox.connected ? '' : lost, waiting ? t(outbox.connected ? 'sending' : 'waiting', waiting) : '', wrong ? t('wrong', wrong) : '', others ? t('others', others) : ''];
    const text = says.filter(Boolean).join(' · ') || (alone ? t('empty') : '');
    const buttons = [];
    if (alone && outbox.connected) buttons.push(button(t('reload'), () => location.reload()));
    if (!alone && panel.hidden && !outbox.connected) buttons.push(button(t('go'), () => openPanel('points')));
    if (!alone && !panel.hidden) buttons.push(button(t('back'), closePanel));
    if (all.length && place.view !== 'outbox' | panel.hidden) buttons.push(button(t('look'), () => openPanel('outbox')));
    line.replaceChildren(h('p', {}, text), ...buttons);
  }

  function openPanel(view) {
    place.inspection = pestcheck.at.inspection || place.inspection;
    if (view === 'points' && pestcheck.at.area && !alone && panel.hidden) Object.assign(place, { view: 'point', area: pestcheck.at.area });
    else place.view = view;
    panel.hidden = false;
    show(true);
  }
  function closePanel() { panel.hidden = true; draft = null; show(); refresh(); }

  // --- the page without a network ----------------------------------------------------------------------------------------------------------
  let draft = null;

  async function showPanel(all, anew) {
    if (!anew && panel.contains(document.activeElement) && document.activeElement.tagName === 'TEXTAREA') return;  // somebody types
    const known = place.inspection ? await outbox.inspection(place.inspection) : null;
    const parts = place.view === 'outbox' ? outboxView(all) : !known ? await chooseView() : place.view === 'point' ? pointView(known, all) : pointsView(known, all);
    panel.replaceChildren(...parts);
    if (anew) { scrollTo(0, 0); panel.scrollTop = 0; const title = panel.querySelector('h1'); title.tabIndex = -1; title.focus({ preventScroll: true }); }
  }
  const to = (values) => () => { Object.assign(place, values); draft = null; show(true); };

  async function chooseView() {
    const open = (await outbox.inspections().catch(() => [])).filter((one) => !one.inspection.closed_at);
    return [h('h1', {}, t('choose')), open.length ? null : h('p', {}, t('none')),
      h('ul', {}, ...open.map((one) => h('li', {}, button(one.inspection.container_number, to({ inspection: one.inspection.id, view: 'points' }), 'card'))))].filter(Boolean);
  }

  const mine = (all, known, area) => all.filter((one) => one.inspection === known.inspection.id && one.area === area);
  const answerOf = (point, here) => { const given = here.find((one) => one.kind === 'answer' && !outbox.held(one)); return given ? given.body : point.answer; };

  function pointsView(known, all) {
    const cards = known.points.map((point, i) => {
      const here = mine(all, known, point.area), answer = answerOf(point, here);
      const photographs = known.photographs.filter((one) => one.view.area === point.area).length + here.filter((one) => one.kind === 'photograph').length;
      const says = [answer ? t(answer.result || answer.state) : t('open'), photographs ? t('photographs', photographs) : '', here.length ? t('kept') : ''];
      const mark = !answer ? '○' : answer.result === 'contamination' ? '!' : answer.state === 'inspected' ? '✓' : '–';
      return h('li', {}, h('button', { type: 'button', className: 'card', onclick: to({ area: point.area, view: 'point' }) },
        `${mark} ${i + 1}. ${point.title}`, h('small', {}, says.filter(Boolean).join(' · '))));
    });
    return [h('h1', {}, known.inspection.container_number), h('p', { className: 'quiet' }, outbox.you().name ? t('you', outbox.you().name) : known.inspection.inspector),
      h('ul', {}, ...cards), h('p', {}, button(t('choose'), to({ inspection: '', view: 'points' })))];
  }

  function pointView(known, all) {
    const point = known.points.find((one) => one.area === place.area);
    if (!point) { place.view = 'points'; return pointsView(known, all); }
    const here = mine(all, known, point.area), given = answerOf(point, here);
    draft = draft || { state: given ? given.state : 'inspected', result: given ? given.result : null, note: given ? given.note : '' };
    const pick = (name, values) => h('fieldset', {}, h('legend', {}, t(name === 'state' ? 'was' : 'result')), h('div', { className: 'row' }, ...values.map((value) => {
      const one = button(t(value), () => { draft[name] = value; show(); });
      one.setAttribute('aria-pressed', String(draft[name] === value));
      return one;
    })));
    const note = h('textarea', { id: 'panel-note', maxLength: 2000, value: draft.note || '', oninput: (event) => { draft.note = event.target.value; } });
    const wrong = h('p', { className: 'warn', hidden: true });
    wrong.setAttribute('role', 'alert');
    const keep = button(t('save'), async () => {
      const body = { state: draft.state, result: draft.state === 'inspected' ? draft.result : null, note: (draft.note || '').trim() };
      const says = body.state === 'inspected' && !body.result ? t('say') : body.state !== 'inspected' && !body.note ? t('why') : '';
      Object.assign(wrong, { textContent: says, hidden: !says });
      if (says) return;
      await outbox.answer(known.inspection.id, point.area, body);
      const next = known.points[known.points.indexOf(point) + 1];
      to(next ? { area: next.area, view: 'point' } : { view: 'points' })();
    }, 'primary');
    return [h('p', {}, button(`◀ ${t('points')}`, to({ view: 'points' }))), h('h1', {}, point.title), h('p', { className: 'quiet' }, point.look),
      h('div', { className: 'row' }, button(t('take'), () => pick_files('camera'), 'primary'), button(t('gallery'), () => pick_files('gallery'))),
      h('ul', {}, ...here.map(card)), h('h2', {}, t('answer')), pick('state', ['inspected', 'not_inspected', 'not_applicable']),
      ...(draft.state === 'inspected' ? [pick('result', ['no_contamination', 'contamination'])] : []),
      h('label', { htmlFor: 'panel-note' }, t('note')), note, wrong, h('div', { className: 'row' }, keep)];
  }

  function outboxView(all) {
    const back = place.inspection || alone ? [h('p', {}, button(`◀ ${t('points')}`, to({ view: 'points' })))] : [];
    return [...back, h('h1', {}, t('outbox')), all.length ? h('ul', {}, ...all.map(card)) : h('p', {}, t('empty'))];
  }

  // --- the camera and the gallery: the browser's own, outside of any framework ---------------------------------------------------------------
  let where = null;
  const inputs = Object.fromEntries(['camera', 'gallery'].map((name) => {
    const input = h('input', { type: 'file', id: `outbox-${name}`, accept: 'image/*,.heic,.heif', hidden: true, multiple: name === 'gallery' });
    if (name === 'camera') input.setAttribute('capture', 'environment');
    input.addEventListener('change', async () => {
      const files = [...input.files];
      await pestcheck.photograph(files, where || here());
      input.value = '';
    });
    return [name, input];
  }));
  const here = () => panel.hidden ? { ...pestcheck.at } : place;
  function pick_files(name) { where = { ...here() }; inputs[name].click(); }
  if (pestcheck.presses) Object.assign(pestcheck.presses, { take: () => pick_files('camera'), choose: () => pick_files('gallery') });

  // --- in the page ------------------------------------------------------------------------------------------------------------------------
  function refresh(item, tries = 20) {  // show what the server has now; at its point the newest photograph
    const { at, send } = pestcheck;
    if (alone || !send || (item && at.inspection !== item.inspection)) return;
    const newest = item && item.kind === 'photograph' && at.step === 'point' && at.area === item.area ? { photograph: '', finding: '' } : {};
    if (!send('look', {}, { ...at, ...newest }, true) && tries) setTimeout(() => refresh(item, tries - 1), 500);
  }

  function showLists(all) {
    for (const list of document.querySelectorAll('#screen .sending')) {
      const { inspection, area } = pestcheck.at;
      const here = (one) => one.kind === 'photograph' && one.inspection === inspection && one.area === area && one.after === list.dataset.after;
      list.replaceChildren(...all.filter(here).map(card));
    }
  }

  let turn = 0;
  async function show(anew = false) {
    const now = ++turn, all = await outbox.items();
    if (now !== turn && !anew) return;
    document.documentElement.lang = alone ? language() : document.documentElement.lang;
    showLine(all);
    showLists(all);
    if (!panel.hidden) await showPanel(all, anew);
  }
  function start() {
    document.body.prepend(line);
    document.body.append(panel, ...Object.values(inputs));
    show(alone);
  }
  document.addEventListener('pestcheck:outbox', () => show());
  document.addEventListener('pestcheck:page', () => show());
  document.addEventListener('pestcheck:changed', ({ detail: item }) => refresh(item));
  document.addEventListener('pestcheck:progress', ({ detail: item }) => {
    for (const bar of document.querySelectorAll(`.kept[data-n="${item.n}"] progress`)) bar.value = outbox.progress.get(item.n) || 0;
  });
  if (document.body) start(); else document.addEventListener('DOMContentLoaded', start);
})();
