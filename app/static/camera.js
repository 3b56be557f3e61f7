// The camera in the page itself, for a computer whose file chooser opens none: the rear camera, never mirrored (a mirrored container number
// is a wrong one), as many photographs as are wanted. The outbox keeps and sends them (static/outbox.js).
(() => {
  'use strict';
  const WANTED = { facingMode: { ideal: 'environment' }, width: { ideal: 4096 }, height: { ideal: 3072 } };
  const pestcheck = window.pestcheck;
  const made = (tag, values = {}) => Object.assign(document.createElement(tag), values);

  async function open(words) {
    const at = { ...pestcheck.at }, dialog = made('dialog', { id: 'camera' });
    const video = made('video', { autoplay: true, muted: true, playsInline: true }), told = made('p', { className: 'warn', hidden: true });
    told.setAttribute('role', 'alert');
    const shutter = made('button', { type: 'button', className: 'b primary huge', textContent: words.take, disabled: true });
    const close = made('button', { type: 'button', className: 'b', textContent: words.close });
    const count = made('span', { className: 'count', textContent: '0' }), row = made('div', { className: 'shutter' });
    row.append(close, shutter, count);
    dialog.append(video, told, row);
    document.body.append(dialog);
    let stream = null, taken = 0, over = false;
    const end = () => {
      over = true;
      if (stream) for (const track of stream.getTracks()) track.stop();
      dialog.remove();
    };
    const cannot = (error) => { told.textContent = `${words.cannot} (${error.message || error.name})`; told.hidden = false; };
    dialog.addEventListener('close', end);
    close.addEventListener('click', () => dialog.close());
    shutter.addEventListener('click', async () => {
      shutter.disabled = true;
      try {
        const photograph = await still(stream.getVideoTracks()[0], video);
        await pestcheck.photograph([new File([photograph], `camera-${new Date().toISOString().replace(/[:.]/g, '')}.jpg`, { type: photograph.type })], at);
        count.textContent = String(++taken);
      } catch (error) { cannot(error); }
      shutter.disabled = false;
    });
    dialog.showModal();
    try {
      const found = await navigator.mediaDevices.getUserMedia({ video: WANTED });
      if (over) { for (const track of found.getTracks()) track.stop(); return; }  // closed before the person had allowed it
      stream = found;
      video.srcObject = stream;
      await video.play();
      shutter.disabled = false;
      shutter.focus();
    } catch (error) { if (!over) cannot(error); }
  }

  // The camera's own photograph where the browser can ask for one: more pixels than its film has.
  async function still(track, video) {
    if (window.ImageCapture) {
      try { return await new ImageCapture(track).takePhoto(); } catch { /* not every camera can: take the picture that is shown */ }
    }
    const canvas = made('canvas', { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext('2d').drawImage(video, 0, 0);
    return new Promise((done, fail) => canvas.toBlob((blob) => blob ? done(blob) : fail(new Error('no picture')), 'image/jpeg', 0.95));
  }

  pestcheck.presses.live = (element) => open(JSON.parse(element.dataset.words));
  document.addEventListener('pestcheck:page', () => {  // not over plain HTTP, nor where there is no camera interface
    for (const button of document.querySelectorAll('[data-press=live]')) button.hidden = !(navigator.mediaDevices && navigator.mediaDevices.getUserMedia);
  });
})();
