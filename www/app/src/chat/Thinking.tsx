// Says that the answer is on its way.

export function Thinking() {
  return (
    <p className="thinking">
      <span className="thinking-dots" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      Thinking…
    </p>
  );
}
