// The gate: the only two pages with `syscall` instructions that the preload library executes, and
// the one address range that Syscall User Dispatch lets through. It is part of the library's own
// text: nothing of the program (a sanitizer's shadow, another preload) can be in its way, and exec
// costs no extra mapping. Only an image that was executed under a seccomp filter of the program
// maps these pages once more, at the address that the filter lets through (MoveGate in filter.cc),
// and uses those. So this code depends on no address: it calls nothing by a relative jump.
	.section .gate, "ax", @progbits
	.balign 4096
	.globl GateStart
	.hidden GateStart
GateStart:

// long GateSyscall(long nr, long a, long b, long c, long d, long e, long f)
	.type GateSyscallCode, @function
GateSyscallCode:
	.cfi_startproc
	mov %rdi, %rax
	mov %rsi, %rdi
	mov %rdx, %rsi
	mov %rcx, %rdx
	mov %r8, %r10
	mov %r9, %r8
	mov 8(%rsp), %r9
	syscall
	ret
	.cfi_endproc
	.size GateSyscallCode, . - GateSyscallCode

// The address a signal handler returns to. The bytes are those of glibc's __restore_rt, by which
// unwinders and debuggers recognise a signal frame; the frame is described as well, for a signal
// that arrives between the two instructions. rsp points at the ucontext, whose registers stand at
// these offsets. The nop is for unwinders, which look up the return address minus 1.
	.macro SavedAt register, offset
	.cfi_escape 0x10, \register, 3, 0x77, ((\offset) & 0x7f) | 0x80, (\offset) >> 7
	.endm
	.balign 16
	.cfi_startproc simple
	.cfi_signal_frame
	.cfi_escape 0x0f, 4, 0x77, 0xa0, 0x01, 0x06
	SavedAt 8, 40
	SavedAt 9, 48
	SavedAt 10, 56
	SavedAt 11, 64
	SavedAt 12, 72
	SavedAt 13, 80
	SavedAt 14, 88
	SavedAt 15, 96
	SavedAt 5, 104
	SavedAt 4, 112
	SavedAt 6, 120
	SavedAt 3, 128
	SavedAt 1, 136
	SavedAt 0, 144
	SavedAt 2, 152
	SavedAt 7, 160
	SavedAt 16, 168
	nop
	.globl GateRestorer
	.hidden GateRestorer
	.type GateRestorer, @function
GateRestorer:
	.byte 0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05
	ud2
	.cfi_endproc
	.size GateRestorer, . - GateRestorer

// [[noreturn]] void GateSigreturn(uint64_t rsp): the program's own rt_sigreturn, on its frame.
	.balign 16
	.type GateSigreturnCode, @function
GateSigreturnCode:
	mov %rdi, %rsp
	mov $15, %eax
	syscall
	ud2
	.size GateSigreturnCode, . - GateSigreturnCode

// [[noreturn]] void GateUnmapAndExit(void* start, size_t size): munmap of the stack we stand on,
// then exit(0), touching no stack in between. musl ends detached threads so.
	.type GateUnmapAndExitCode, @function
GateUnmapAndExitCode:
	mov $11, %eax
	syscall
	xor %edi, %edi
	mov $60, %eax
	syscall
	ud2
	.size GateUnmapAndExitCode, . - GateUnmapAndExitCode

// ---- second page: calls of the program. Its own seccomp filters apply to these, and not to the
// first page (filter.cc).
	.balign 4096

// long GateProgramSyscall(long nr, long a, long b, long c, long d, long e, long f)
	.type GateProgramSyscallCode, @function
GateProgramSyscallCode:
	.cfi_startproc
	mov %rdi, %rax
	mov %rsi, %rdi
	mov %rdx, %rsi
	mov %rcx, %rdx
	mov %r8, %r10
	mov %r9, %r8
	mov 8(%rsp), %r9
	syscall
	ret
	.cfi_endproc
	.size GateProgramSyscallCode, . - GateProgramSyscallCode

// long GateClone(long nr, long a, long b, long c, long d, long e): clone or clone3 whose child gets
// a stack of its own. The caller has put a ChildFrame (clone.cc) at the child's stack pointer. The
// child calls ChildEntered(frame), which arms it, and then goes on in the program: registers from
// the frame, rax = 0. r9, which neither call looks at, holds ChildEntered.
	.type GateCloneCode, @function
GateCloneCode:
	.cfi_startproc
	xchg %rdi, %rax
	mov %rdi, %r11
	mov %rsi, %rdi
	mov %rdx, %rsi
	mov %rcx, %rdx
	mov %r8, %r10
	mov %r9, %r8
	mov %r11, %r9
	syscall
	test %rax, %rax
	jz 1f
	ret
	.cfi_endproc
1:
	.cfi_startproc
	.cfi_undefined %rip
	mov %rsp, %rdi
	mov %rsp, %rbx
	and $-16, %rsp
	call *%r9
	mov %rbx, %rsp
	mov 8(%rsp), %rbp
	mov 16(%rsp), %r12
	mov 24(%rsp), %r13
	mov 32(%rsp), %r14
	mov 40(%rsp), %r15
	mov 48(%rsp), %rdi
	mov 56(%rsp), %rsi
	mov 64(%rsp), %rdx
	mov 72(%rsp), %r8
	mov 80(%rsp), %r9
	mov 88(%rsp), %r10
	mov 96(%rsp), %rcx
	mov 0(%rsp), %rbx
	mov 104(%rsp), %rsp
	xor %eax, %eax
	mov %rcx, %r11
	jmp *%rcx
	.cfi_endproc
	.size GateCloneCode, . - GateCloneCode

	.balign 4096
	.globl GateEnd
	.hidden GateEnd
GateEnd:

// ---- the ways in: to the pages in use, which are GateShift bytes from where this was linked.
	.text
	.macro WayIn name
	.globl \name
	.hidden \name
	.type \name, @function
\name:
	.cfi_startproc
	lea \name\()Code(%rip), %rax
	add GateShift(%rip), %rax
	jmp *%rax
	.cfi_endproc
	.size \name, . - \name
	.endm
	WayIn GateSyscall
	WayIn GateProgramSyscall
	WayIn GateSigreturn
	WayIn GateUnmapAndExit

	.globl GateClone
	.hidden GateClone
	.type GateClone, @function
GateClone:
	.cfi_startproc
	lea GateCloneCode(%rip), %rax
	add GateShift(%rip), %rax
	mov %rax, %r11
	lea ChildEntered(%rip), %rax
	jmp *%r11
	.cfi_endproc
	.size GateClone, . - GateClone

	.bss
	.balign 8
	.globl GateShift
	.hidden GateShift
GateShift:
	.zero 8
	.section .note.GNU-stack, "", @progbits
