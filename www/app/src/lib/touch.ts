// Whether one writes on a touch screen, whose keyboard has no Shift+Enter: there Enter breaks the line and a button sends.
import { useMediaQuery } from "./useMediaQuery";

const TOUCH = "(hover: none) and (pointer: coarse)";

export function useTouch(): boolean {
  return useMediaQuery(TOUCH);
}
