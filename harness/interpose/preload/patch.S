// What a rewritten call site leads to (patch.cc): its trampoline, which calls PatchedEntry, which
// calls PatchedCall.

	.text
// From a trampoline: rax = number, rcx = address after the site's `syscall`. Everything but rax,
// rcx and r11 survives, as in a system call. The program's rsp is 144 above ours: return address,
// and 136 that the trampoline has skipped (red zone).
	.globl PatchedEntry
	.hidden PatchedEntry
	.type PatchedEntry, @function
PatchedEntry:
	.cfi_startproc
	push %rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	mov %rsp, %rbp
	.cfi_def_cfa_register %rbp
	push %rdi
	push %rsi
	push %rdx
	push %r10
	push %r8
	push %r9
	lea 152(%rbp), %r11
	and $-16, %rsp
	push $0			// Call::fault
	push $2			// Call::via = wire::Route::kPatch
	push (%rbp)		// Call::bp
	push %r11		// Call::sp
	push %rcx		// Call::ip
	push %r9		// Call::args
	push %r8
	push %r10
	push %rdx
	push %rsi
	push %rdi
	push %rax		// Call::nr
	mov %rsp, %rdi
	call PatchedCall
	mov -8(%rbp), %rdi
	mov -16(%rbp), %rsi
	mov -24(%rbp), %rdx
	mov -32(%rbp), %r10
	mov -40(%rbp), %r8
	mov -48(%rbp), %r9
	leave
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size PatchedEntry, . - PatchedEntry

// Room for the trampolines, 64 bytes each (patch.cc writes them). One description holds for all of
// them, so that exceptions, cancellation and debuggers can look through a patched call: with o =
// rip & 63, the frame is rsp + (20 <= o < 33 ? 136 : 0), and the return address is what the
// trampoline stores 40 bytes after its start.
	.section .trampolines, "ax", @progbits
	.balign 4096
	.globl TrampolinesStart
	.hidden TrampolinesStart
TrampolinesStart:
	.cfi_startproc simple
	.cfi_escape 0x0f, 24, 0x77, 0, 0x30, 0x80, 0, 0x08, 63, 0x1a, 0x44, 0x2a, 0x80, 0, 0x08, 63, 0x1a, 0x08, 33, 0x2d, 0x1a, 0x1c, 0x08, 136, 0x1a, 0x22
	.cfi_escape 0x10, 16, 7, 0x80, 0, 0x09, 0xc0, 0x1a, 0x23, 40
	.fill 32768, 1, 0xcc
	.cfi_endproc
	.globl TrampolinesEnd
	.hidden TrampolinesEnd
TrampolinesEnd:
	.section .note.GNU-stack, "", @progbits
