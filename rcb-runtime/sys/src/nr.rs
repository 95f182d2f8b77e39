//! Numbers of the calls that the agent performs or handles itself (x86-64).
/// read(2).
pub const READ: u32 = 0;
/// write(2).
pub const WRITE: u32 = 1;
/// open(2).
pub const OPEN: u32 = 2;
/// close(2).
pub const CLOSE: u32 = 3;
/// stat(2).
pub const STAT: u32 = 4;
/// fstat(2).
pub const FSTAT: u32 = 5;
/// lstat(2).
pub const LSTAT: u32 = 6;
/// poll(2).
pub const POLL: u32 = 7;
/// lseek(2).
pub const LSEEK: u32 = 8;
/// mmap(2).
pub const MMAP: u32 = 9;
/// mprotect(2).
pub const MPROTECT: u32 = 10;
/// munmap(2).
pub const MUNMAP: u32 = 11;
/// brk(2).
pub const BRK: u32 = 12;
/// rt_sigaction(2).
pub const RT_SIGACTION: u32 = 13;
/// rt_sigprocmask(2).
pub const RT_SIGPROCMASK: u32 = 14;
/// rt_sigreturn(2).
pub const RT_SIGRETURN: u32 = 15;
/// ioctl(2).
pub const IOCTL: u32 = 16;
/// pread64(2).
pub const PREAD64: u32 = 17;
/// pwrite64(2).
pub const PWRITE64: u32 = 18;
/// readv(2).
pub const READV: u32 = 19;
/// writev(2).
pub const WRITEV: u32 = 20;
/// access(2).
pub const ACCESS: u32 = 21;
/// mremap(2).
pub const MREMAP: u32 = 25;
/// madvise(2).
pub const MADVISE: u32 = 28;
/// dup(2).
pub const DUP: u32 = 32;
/// dup2(2).
pub const DUP2: u32 = 33;
/// setitimer(2).
pub const SETITIMER: u32 = 38;
/// getpid(2).
pub const GETPID: u32 = 39;
/// sendmsg(2).
pub const SENDMSG: u32 = 46;
/// nanosleep(2).
pub const NANOSLEEP: u32 = 35;
/// recvmsg(2).
pub const RECVMSG: u32 = 47;
/// execve(2).
pub const EXECVE: u32 = 59;
/// exit(2).
pub const EXIT: u32 = 60;
/// wait4(2).
pub const WAIT4: u32 = 61;
/// kill(2).
pub const KILL: u32 = 62;
/// fcntl(2).
pub const FCNTL: u32 = 72;
/// getcwd(2).
pub const GETCWD: u32 = 79;
/// creat(2).
pub const CREAT: u32 = 85;
/// readlink(2).
pub const READLINK: u32 = 89;
/// umask(2).
pub const UMASK: u32 = 95;
/// gettimeofday(2).
pub const GETTIMEOFDAY: u32 = 96;
/// getrlimit(2).
pub const GETRLIMIT: u32 = 97;
/// geteuid(2).
pub const GETEUID: u32 = 107;
/// getegid(2).
pub const GETEGID: u32 = 108;
/// getppid(2).
pub const GETPPID: u32 = 110;
/// getpgrp(2).
pub const GETPGRP: u32 = 111;
/// getpgid(2).
pub const GETPGID: u32 = 121;
/// getsid(2).
pub const GETSID: u32 = 124;
/// rt_sigpending(2).
pub const RT_SIGPENDING: u32 = 127;
/// rt_sigqueueinfo(2).
pub const RT_SIGQUEUEINFO: u32 = 129;
/// sigaltstack(2).
pub const SIGALTSTACK: u32 = 131;
/// personality(2).
pub const PERSONALITY: u32 = 135;
/// rt_sigtimedwait(2).
pub const RT_SIGTIMEDWAIT: u32 = 128;
/// fstatfs(2).
pub const FSTATFS: u32 = 138;
/// prctl(2).
pub const PRCTL: u32 = 157;
/// arch_prctl(2).
pub const ARCH_PRCTL: u32 = 158;
/// setrlimit(2).
pub const SETRLIMIT: u32 = 160;
/// gettid(2).
pub const GETTID: u32 = 186;
/// tkill(2).
pub const TKILL: u32 = 200;
/// time(2).
pub const TIME: u32 = 201;
/// futex(2).
pub const FUTEX: u32 = 202;
/// sched_setaffinity(2).
pub const SCHED_SETAFFINITY: u32 = 203;
/// sched_getaffinity(2).
pub const SCHED_GETAFFINITY: u32 = 204;
/// set_tid_address(2).
pub const SET_TID_ADDRESS: u32 = 218;
/// clock_gettime(2).
pub const CLOCK_GETTIME: u32 = 228;
/// exit_group(2).
pub const EXIT_GROUP: u32 = 231;
/// tgkill(2).
pub const TGKILL: u32 = 234;
/// waitid(2).
pub const WAITID: u32 = 247;
/// openat(2).
pub const OPENAT: u32 = 257;
/// newfstatat(2).
pub const NEWFSTATAT: u32 = 262;
/// readlinkat(2).
pub const READLINKAT: u32 = 267;
/// dup3(2).
pub const DUP3: u32 = 292;
/// preadv(2).
pub const PREADV: u32 = 295;
/// rt_tgsigqueueinfo(2).
pub const RT_TGSIGQUEUEINFO: u32 = 297;
/// prlimit64(2).
pub const PRLIMIT64: u32 = 302;
/// getcpu(2).
pub const GETCPU: u32 = 309;
/// seccomp(2).
pub const SECCOMP: u32 = 317;
/// getrandom(2).
pub const GETRANDOM: u32 = 318;
/// execveat(2).
pub const EXECVEAT: u32 = 322;
/// preadv2(2).
pub const PREADV2: u32 = 327;
/// pkey_mprotect(2).
pub const PKEY_MPROTECT: u32 = 329;
/// statx(2).
pub const STATX: u32 = 332;
/// pidfd_send_signal(2).
pub const PIDFD_SEND_SIGNAL: u32 = 424;
/// pidfd_open(2).
pub const PIDFD_OPEN: u32 = 434;
/// clone3(2).
pub const CLONE3: u32 = 435;
/// close_range(2).
pub const CLOSE_RANGE: u32 = 436;
/// openat2(2).
pub const OPENAT2: u32 = 437;
/// pidfd_getfd(2).
pub const PIDFD_GETFD: u32 = 438;
/// faccessat2(2).
pub const FACCESSAT2: u32 = 439;
