// Says above the messages that the network or the server's storage is away, and what that means for what one writes.

interface Props {
  readonly online: boolean;
  readonly degraded: boolean;
}

export function Weather({ online, degraded }: Props) {
  // The box is always there: what comes into it is read out, a box that comes with its text may not be.
  return (
    <div role="status">
      {!online && <p className="weather">You’re offline. What you write waits here and is sent when you’re back.</p>}
      {online && degraded && (
        <p className="weather">The storage is away at the moment. What you write is kept safe meanwhile.</p>
      )}
    </div>
  );
}
