/* Prints the addresses of a name as musl's getaddrinfo finds them. It needs neither musl's headers nor its startup files, which
   come with a whole compiler: tcc and the library are enough. */
struct addrinfo {
  int flags, family, type, protocol;
  unsigned addr_bytes;
  void *addr;
  char *canonical_name;
  struct addrinfo *next;
};
int getaddrinfo(const char *, const char *, const struct addrinfo *, struct addrinfo **);
int getnameinfo(const void *, unsigned, char *, unsigned, char *, unsigned, int);
const char *gai_strerror(int);
int printf(const char *, ...);
int __libc_start_main(int (*)(int, char **, char **), int, char **, void *, void *, void *);

enum { STREAM = 1, NUMERIC_HOST = 1, TEXT_BYTES = 64 };

int main(int argc, char **argv, char **environment) {
  struct addrinfo hints = {0, 0, STREAM}, *found;
  int trouble = getaddrinfo(argv[1], 0, &hints, &found);
  if (trouble) {
    printf("%s\n", gai_strerror(trouble));
    return 1;
  }
  for (; found; found = found->next) {
    char text[TEXT_BYTES];
    getnameinfo(found->addr, found->addr_bytes, text, TEXT_BYTES, 0, 0, NUMERIC_HOST);
    printf("%s\n", text);
  }
  return 0;
}

void begin(long *stack) { __libc_start_main(main, (int)*stack, (char **)(stack + 1), 0, 0, 0); }
__asm__(".globl _start\n_start:\n xor %rbp,%rbp\n mov %rsp,%rdi\n and $-16,%rsp\n call begin\n");
