// Colours and language, as chosen on this tablet: of the inspector's page and of those that the server draws.
(() => {
  'use strict';
  const pestcheck = window.pestcheck = { theme };
  const dark = matchMedia('(prefers-color-scheme: dark)'), contrast = matchMedia('(prefers-contrast: more)');

  function theme() {
    const chosen = localStorage.getItem('pestcheck-theme') || 'system';
    const shown = chosen !== 'system' ? chosen : contrast.matches ? 'contrast' : dark.matches ? 'dark' : 'light';
    document.documentElement.dataset.theme = shown;
    if (document.body) document.body.classList.toggle('dark', shown !== 'light');  // Gradio's own name for it
    for (const one of document.querySelectorAll('[data-set=theme]')) one.setAttribute('aria-pressed', String(one.dataset.value === chosen));
  }

  document.addEventListener('click', (event) => {
    const { set, value } = (event.target.closest('[data-set]') || { dataset: {} }).dataset;
    if (set === 'theme') { localStorage.setItem('pestcheck-theme', value); theme(); }
    if (set !== 'language') return;
    document.cookie = `pestcheck-language=${value}; path=/; max-age=31536000; samesite=lax`;
    // The inspector's page shows itself anew and keeps what was typed.
    if (document.dispatchEvent(new CustomEvent('pestcheck:language', { cancelable: true }))) location.reload();
  });
  dark.addEventListener('change', theme);
  contrast.addEventListener('change', theme);
  document.addEventListener('DOMContentLoaded', theme);
  theme();
})();
