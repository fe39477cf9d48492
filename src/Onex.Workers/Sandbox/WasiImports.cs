using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Onex.Workers.Operations;
using Wasmtime;

namespace Onex.Workers.Sandbox;

/// <summary>
/// The part of WASI that a module may use: standard input, output and error, its exit code, and no arguments, variables, files or network.
/// Any other function returns an error. The runtimes of languages read a clock and random numbers when they start, so both exist, but they
/// depend on nothing but the module and its input.
/// </summary>
/// <param name="input">The standard input.</param>
/// <param name="moduleHash">The SHA-256 of the module, from which its random numbers are derived.</param>
internal sealed class WasiImports(byte[] input, string moduleHash)
{
    private const string ModuleName = "wasi_snapshot_preview1";
    private const int ErrorsMax = 500;

    // Error numbers of WASI.
    private const int Success = 0;
    private const int BadDescriptor = 8;
    private const int Fault = 21;
    private const int Unsupported = 52;
    private const int NotSeekable = 70;

    // Each reading of the clock advances it by a millisecond, in nanoseconds.
    private const long ClockStep = 1_000_000;

    private readonly ResultBuffer _output = new(ComputeLimits.ResultBytesMax);
    private readonly List<byte> _errors = [];
    private int _read;
    private long _clock;
    private byte[]? _seed;
    private int _randomBlock;

    /// <summary>What the module wrote to standard output.</summary>
    public ReadOnlyMemory<byte> Output => _output.Written;

    /// <summary>The beginning of what it wrote to standard error.</summary>
    public string Errors => Encoding.UTF8.GetString(CollectionsMarshal.AsSpan(_errors)).Trim();

    /// <summary>Defines all functions of WASI that a module imports.</summary>
    public void Define(Linker linker, Module module)
    {
        foreach (var import in module.Imports.OfType<FunctionImport>().Where(import => import.ModuleName == ModuleName))
        {
            var call = Resolve(import.Name);
            linker.DefineFunction(
                ModuleName, import.Name,
                (caller, arguments, results) =>
                {
                    var error = call(caller, arguments);
                    if (results.Length > 0)
                    {
                        results[0] = error;
                    }
                },
                import.Parameters, import.Results);
        }
    }

    private delegate int WasiFunction(Caller caller, ReadOnlySpan<ValueBox> arguments);

    private WasiFunction Resolve(string name) => name switch
    {
        "fd_read" => Read,
        "fd_write" => Write,
        "fd_close" => (_, arguments) => arguments[0].AsInt32() is >= 0 and <= 2 ? Success : BadDescriptor,
        "fd_seek" or "fd_tell" => (_, _) => NotSeekable,
        "fd_prestat_get" or "fd_prestat_dir_name" => (_, _) => BadDescriptor,
        "args_sizes_get" or "environ_sizes_get" => (caller, arguments) =>
            TryWriteInt(caller, arguments[0].AsInt32(), 0) && TryWriteInt(caller, arguments[1].AsInt32(), 0) ? Success : Fault,
        "args_get" or "environ_get" or "sched_yield" => (_, _) => Success,
        "clock_time_get" => (caller, arguments) => TryWriteLong(caller, arguments[2].AsInt32(), _clock += ClockStep) ? Success : Fault,
        "random_get" => (caller, arguments) => FillRandom(caller, arguments[0].AsInt32(), arguments[1].AsInt32()),
        "proc_exit" => (_, arguments) => throw new WasmExit(arguments[0].AsInt32()),
        _ => (_, _) => Unsupported,
    };

    private int Read(Caller caller, ReadOnlySpan<ValueBox> arguments)
    {
        if (arguments[0].AsInt32() != 0)
        {
            return BadDescriptor;
        }

        var count = 0;
        for (var i = 0u; i < (uint)arguments[2].AsInt32() && _read < input.Length; i++)
        {
            if (!TryGetBuffer(caller, arguments[1].AsInt32(), i, out var buffer))
            {
                return Fault;
            }

            var taken = Math.Min(buffer.Length, input.Length - _read);
            input.AsSpan(_read, taken).CopyTo(buffer);
            _read += taken;
            count += taken;
        }

        return TryWriteInt(caller, arguments[3].AsInt32(), count) ? Success : Fault;
    }

    private int Write(Caller caller, ReadOnlySpan<ValueBox> arguments)
    {
        var descriptor = arguments[0].AsInt32();
        if (descriptor is not (1 or 2))
        {
            return BadDescriptor;
        }

        var count = 0;
        for (var i = 0u; i < (uint)arguments[2].AsInt32(); i++)
        {
            if (!TryGetBuffer(caller, arguments[1].AsInt32(), i, out var buffer))
            {
                return Fault;
            }

            if (descriptor == 1)
            {
                buffer.CopyTo(_output.GetSpan(buffer.Length));
                _output.Advance(buffer.Length);
            }
            else
            {
                _errors.AddRange(buffer[..Math.Min(buffer.Length, ErrorsMax - _errors.Count)]);
            }

            count += buffer.Length;
        }

        return TryWriteInt(caller, arguments[3].AsInt32(), count) ? Success : Fault;
    }

    // Fills memory with hashes of the module's hash, its input and a counter, so that the same run gets the same numbers.
    private int FillRandom(Caller caller, int address, int length)
    {
        if (!TryGetMemory(caller, (uint)address, (uint)length, out var bytes))
        {
            return Fault;
        }

        _seed ??= SHA256.HashData([.. Encoding.UTF8.GetBytes(moduleHash), .. input]);
        while (!bytes.IsEmpty)
        {
            var block = SHA256.HashData([.. _seed, .. BitConverter.GetBytes(_randomBlock++)]);
            var taken = Math.Min(block.Length, bytes.Length);
            block.AsSpan(0, taken).CopyTo(bytes);
            bytes = bytes[taken..];
        }

        return Success;
    }

    // The buffer that an item of a list describes: its address and its length, each in four bytes.
    private static bool TryGetBuffer(Caller caller, int list, uint index, out Span<byte> buffer)
    {
        buffer = default;
        return TryGetMemory(caller, (ulong)(uint)list + (index * 8UL), 8, out var item)
            && TryGetMemory(
                caller, BinaryPrimitives.ReadUInt32LittleEndian(item), BinaryPrimitives.ReadUInt32LittleEndian(item[4..]), out buffer);
    }

    private static bool TryWriteInt(Caller caller, int address, int value)
    {
        if (!TryGetMemory(caller, (uint)address, sizeof(int), out var bytes))
        {
            return false;
        }

        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return true;
    }

    private static bool TryWriteLong(Caller caller, int address, long value)
    {
        if (!TryGetMemory(caller, (uint)address, sizeof(long), out var bytes))
        {
            return false;
        }

        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        return true;
    }

    private static bool TryGetMemory(Caller caller, ulong address, ulong length, out Span<byte> bytes)
    {
        bytes = default;
        if (caller.GetMemory("memory") is not { } memory || address + length > (ulong)memory.GetLength())
        {
            return false;
        }

        bytes = memory.GetSpan((long)address, (int)length);
        return true;
    }
}
