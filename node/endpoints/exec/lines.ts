// Cuts a byte stream into lines, bounded: a line that grows beyond the limit is not kept, it is reported, because a program that writes without
// line ends would otherwise fill the worker's memory. Bytes are decoded line by line, so a character split over two chunks stays whole.

export interface LineSplitter {
  readonly push: (chunk: Buffer) => void;
}

const NEWLINE = 0x0a;

export function createLineSplitter(lineBytesMax: number, onLine: (line: string) => void, onTooLong: () => void): LineSplitter {
  let rest: Buffer = Buffer.alloc(0);
  let isOver = false;
  return {
    push(chunk) {
      if (isOver) return;
      let from = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1 && !isOver; end = chunk.indexOf(NEWLINE, from)) {
        const part = chunk.subarray(from, end);
        from = end + 1;
        if (rest.length + part.length > lineBytesMax) isOver = true;
        else onLine((rest.length === 0 ? part : Buffer.concat([rest, part])).toString('utf8'));
        rest = Buffer.alloc(0);
      }
      const left = chunk.subarray(from);
      if (rest.length + left.length > lineBytesMax) isOver = true;
      if (isOver) onTooLong();
      // A copy: the chunk's memory belongs to the stream.
      else if (left.length > 0) rest = Buffer.concat([rest, left]);
    },
  };
}
