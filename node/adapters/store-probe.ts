// Whether the store works on this machine, found out by using it: opens a database in the given folder, writes a value,
// reads it back, closes it. `level` brings its native addon prebuilt for the common platforms; where there is none, the
// import already fails, which is why it happens inside the probe and not at the top of the file.

/** Undefined when the store works; else what it said. The folder is the caller's, before and after. */
export async function storeComplaint(folder: string): Promise<string | undefined> {
  try {
    const { Level } = await import('level');
    const database = new Level<string, string>(folder);
    try {
      await database.put('probe', 'kept', { sync: true });
      const value = await database.get('probe');
      return value === 'kept' ? undefined : `read back ${String(value)}`;
    } finally {
      await database.close();
    }
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  }
}
