;; Calls foreign functions as its configuration says, and logs what came of each, in hexadecimal.
;;
;; The configuration: for each call the length of the name, the name, the length of the arguments, the arguments.
;; The log: for each call the status, the length of the answer, the answer. Numbers have 32 bits, little-endian.
(module
  (import "env" "proxy_get_buffer_bytes" (func $get_buffer_bytes (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_call_foreign_function" (func $call_foreign (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
  (memory (export "memory") 768)

  ;; Where the host writes addresses and lengths: 16, 20. The digits: 32. What comes of the calls: from 16 MiB. The same
  ;; in hexadecimal: from 24 MiB. What the host allocates: from 64 KiB.
  (global $free (mut i32) (i32.const 0x10000))
  (data (i32.const 32) "0123456789abcdef")

  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_memory_allocate") (param $size i32) (result i32)
    (global.get $free)
    (global.set $free (i32.add (global.get $free) (local.get $size))))
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const 1))

  (func (export "proxy_on_configure") (param $context i32) (param $size i32) (result i32)
    (local $at i32) (local $end i32) (local $out i32) (local $name i32) (local $length i32)
    ;; 7: the plugin's configuration.
    (drop (call $get_buffer_bytes (i32.const 7) (i32.const 0) (local.get $size) (i32.const 16) (i32.const 20)))
    (local.set $at (i32.load (i32.const 16)))
    (local.set $end (i32.add (local.get $at) (i32.load (i32.const 20))))
    (local.set $out (i32.const 0x1000000))
    (loop $calls
      (if (i32.lt_u (local.get $at) (local.get $end)) (then
        (local.set $name (local.get $at))
        (local.set $at (i32.add (i32.add (local.get $at) (i32.const 4)) (i32.load (local.get $name))))
        (local.set $length (i32.load (local.get $at)))
        (i32.store (i32.const 16) (i32.const 0))
        (i32.store (i32.const 20) (i32.const 0))
        (i32.store (local.get $out) (call $call_foreign
          (i32.add (local.get $name) (i32.const 4)) (i32.load (local.get $name))
          (i32.add (local.get $at) (i32.const 4)) (local.get $length)
          (i32.const 16) (i32.const 20)))
        (i32.store offset=4 (local.get $out) (i32.load (i32.const 20)))
        (memory.copy
          (i32.add (local.get $out) (i32.const 8)) (i32.load (i32.const 16)) (i32.load (i32.const 20)))
        (local.set $out (i32.add (i32.add (local.get $out) (i32.const 8)) (i32.load (i32.const 20))))
        (local.set $at (i32.add (i32.add (local.get $at) (i32.const 4)) (local.get $length)))
        (br $calls))))
    (call $tell (local.get $out))
    (i32.const 1))

  (func $tell (param $end i32)
    (local $at i32) (local $hex i32)
    (local.set $at (i32.const 0x1000000))
    (local.set $hex (i32.const 0x1800000))
    (loop $bytes
      (if (i32.lt_u (local.get $at) (local.get $end)) (then
        (i32.store8 (local.get $hex)
          (i32.load8_u offset=32 (i32.shr_u (i32.load8_u (local.get $at)) (i32.const 4))))
        (i32.store8 offset=1 (local.get $hex)
          (i32.load8_u offset=32 (i32.and (i32.load8_u (local.get $at)) (i32.const 15))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $hex (i32.add (local.get $hex) (i32.const 2)))
        (br $bytes))))
    ;; 2: info.
    (drop (call $log
      (i32.const 2) (i32.const 0x1800000) (i32.sub (local.get $hex) (i32.const 0x1800000))))))
