// Keeps a page up to date while it is open: the server says when its subject has changed, and the page is asked for
// again. Without it, the page is as good, and is reloaded.
(() => {
  const live = () => document.getElementById('live');
  const news = document.getElementById('news');
  if (!live() || !news) {
    return;
  }
  const source = new EventSource(live().dataset.events);
  let showing = Promise.resolve();

  source.addEventListener('version', ({ data }) => {
    showing = showing.then(() => showAnew(data)).catch(() => warn('This page may be out of date. Reload it.'));
  });
  source.addEventListener('error', () => {
    if (source.readyState === EventSource.CLOSED) {
      warn('This page is no longer kept up to date. Reload it.');
    }
  });
  setInterval(showTimeLeft, 5_000);

  async function showAnew(version) {
    if (version === live().dataset.version) {
      return;
    }
    const response = await fetch(location.href, { headers: { Accept: 'text/html' }, cache: 'no-store' });
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    const next = page.getElementById('live');
    if (!response.ok || response.redirected || !next) {
      location.reload();
      return;
    }
    const focused = document.activeElement;
    const hadFocus = live().contains(focused);
    const href = focused instanceof HTMLAnchorElement ? focused.getAttribute('href') : null;
    live().replaceWith(document.adoptNode(next));
    document.title = page.title;
    if (hadFocus) {
      const again = [...live().querySelectorAll('a')].find(link => link.getAttribute('href') === href);
      (again ?? live().querySelector('h1')).focus();
    }
    say(live().dataset.status);
    showTimeLeft();
  }

  function showTimeLeft() {
    for (const time of document.querySelectorAll('time[data-left]')) {
      const seconds = Math.max(0, Math.ceil((Date.parse(time.dateTime) - Date.now()) / 1000));
      time.textContent = inWords(seconds);
    }
  }

  function inWords(seconds) {
    if (seconds >= 7_200) {
      return `${Math.floor(seconds / 3_600)} hours`;
    }
    if (seconds >= 120) {
      return `${Math.floor(seconds / 60)} minutes`;
    }
    return seconds === 1 ? '1 second' : `${seconds} seconds`;
  }

  // For those who do not see the page: what it says is on it anyway.
  function say(text) {
    news.className = 'hidden';
    news.textContent = text;
  }

  function warn(text) {
    news.className = 'notice warn';
    news.textContent = text;
  }
})();
