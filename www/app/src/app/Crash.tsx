// The last resort: when rendering fails, say so and offer a reload instead of a blank page.
import { Component, type ReactNode } from "react";

interface Props {
  readonly children: ReactNode;
}

export class Crash extends Component<Props, { readonly crashed: boolean }> {
  override state = { crashed: false };

  static getDerivedStateFromError() {
    return { crashed: true };
  }

  override render() {
    if (!this.state.crashed) return this.props.children;
    return (
      <main className="crash" role="alert">
        <h1>Something went wrong on this page</h1>
        <p>Your chats are kept on the server. Reload to go on.</p>
        <button type="button" className="button primary" onClick={() => location.reload()}>
          Reload
        </button>
      </main>
    );
  }
}
