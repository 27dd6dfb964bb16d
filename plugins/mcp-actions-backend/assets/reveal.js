// Lets people look at what they have typed. Without it the fields stay hidden, and the page works as well.
for (const box of document.querySelectorAll('input[data-reveals]')) {
  const field = document.getElementById(box.dataset.reveals);
  const show = () => {
    field.type = box.checked ? 'text' : 'password';
  };
  box.checked = false;
  box.closest('label').hidden = false;
  box.addEventListener('change', show);
  // Browsers remember what is sent from fields that are shown.
  field.form.addEventListener('submit', () => {
    box.checked = false;
    show();
  });
}
