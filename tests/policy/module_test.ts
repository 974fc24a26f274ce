import { assert, assertEquals, assertThrows } from "@std/assert";
import * as layout from "../../policy/assembly/layout.ts";

const bytes = Deno.readFileSync(new URL("../../policy/policy.wasm", import.meta.url));
const PAGE = 65_536;
const { MEMORY_BASE, MEMORY_PAGES } = layout;

/** Contents of the sections of one kind, by the binary format: id, LEB128 length, content. */
function sections(kind: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  let at = 8; // behind magic and version
  while (at < bytes.length) {
    const id = bytes[at++];
    let length = 0;
    for (let shift = 0;; shift += 7) {
      const byte = bytes[at++] ?? 0;
      length += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    if (id === kind) found.push(bytes.subarray(at, at + length));
    at += length;
  }
  return found;
}

Deno.test("the module imports nothing and runs nothing at its start", async () => {
  assertEquals(WebAssembly.Module.imports(await WebAssembly.compile(bytes)), []);
  assertEquals(sections(2), [], "import section");
  assertEquals(sections(8), [], "start section");
});

Deno.test("the module has one memory, whose maximum is its initial size", () => {
  const [memory] = sections(5);
  assertEquals(memory && [...memory], [1, 0x01, MEMORY_PAGES, MEMORY_PAGES]); // one memory, with a maximum
});

Deno.test("the module can neither grow its memory nor lay anything where facts lie", () => {
  assertEquals(sections(11), [], "data section");
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const memory = exports.memory as WebAssembly.Memory;
  assertEquals(memory.buffer.byteLength, MEMORY_PAGES * PAGE);
  assertThrows(() => memory.grow(1), RangeError);
  assert(MEMORY_BASE <= MEMORY_PAGES * PAGE && MEMORY_BASE > (MEMORY_PAGES - 1) * PAGE);
});

Deno.test("the fields of the shared memory do not overlap", () => {
  const {
    MAX_BLOCKS,
    BLOCK_STRIDE,
    MEMORY_BASE,
    MEMORY_PAGES: _pages,
    NEVER: _never,
    ABI_VERSION: _version,
    ...fields
  } = layout;
  const offsets: number[] = Object.values(fields).sort((a, b) => a - b);
  offsets.reduce((last, offset) => {
    assert(offset >= last + 8, `${offset} overlaps ${last}`);
    return offset;
  });
  assertEquals(layout.BLOCK_QUANTITY + MAX_BLOCKS * BLOCK_STRIDE, MEMORY_BASE);
});
