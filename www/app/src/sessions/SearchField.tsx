// Finds chats by their titles, while one types.
import { type RefObject, useState } from "react";
import { CloseIcon, SearchIcon } from "../lib/icons";
import { SEARCH } from "../lib/shortcuts";

interface Props {
  readonly field: RefObject<HTMLInputElement | null>;
  readonly onSearch: (text: string) => void;
}

export function SearchField({ field, onSearch }: Props) {
  const [text, setText] = useState("");

  const change = (next: string) => {
    setText(next);
    onSearch(next);
  };

  return (
    <search className="search">
      <SearchIcon />
      <input
        ref={field}
        type="search"
        value={text}
        aria-label="Search your chats"
        aria-keyshortcuts={SEARCH.aria}
        placeholder="Search your chats"
        title={`Search (${SEARCH.label})`}
        autoComplete="off"
        enterKeyHint="search"
        dir="auto"
        onChange={(event) => change(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || text === "") return;
          event.preventDefault();
          change("");
        }}
      />
      {text && (
        <button
          type="button"
          className="tool-button"
          aria-label="Clear the search"
          onClick={() => {
            change("");
            field.current?.focus();
          }}
        >
          <CloseIcon />
        </button>
      )}
    </search>
  );
}
