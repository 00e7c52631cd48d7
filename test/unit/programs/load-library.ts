import { openLibrary } from '../../../native-bindings/ffi.js';
import { systemLibrary } from '../../../native-bindings/windows/system-library.js';

// Loads a library of Windows' in both ways, and says what came of it.

const PROTOTYPE = 'int __stdcall FDIIsCabinet(uintptr_t, intptr_t, uintptr_t)';

function attempt(how: string, load: () => void): void {
  try {
    load();
    console.log(`${how}: loaded`);
  } catch (error) {
    console.log(`${how}: failed ${error instanceof Error ? error.message : String(error)}`);
  }
}

const name = process.argv[2] ?? '';
attempt('by its name', () => openLibrary(name).func(PROTOTYPE));
attempt('from the system directory', () => systemLibrary(name, (library) => library.func(PROTOTYPE))());
