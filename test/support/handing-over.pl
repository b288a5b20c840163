# Does as systemd does for a service with a socket unit: makes sockets, hands them over from descriptor 3 on, and becomes
# the program. Its first line says where they are.
#   perl handing-over.pl udp=127.0.0.1 tcp=127.0.0.1,same -- program and its arguments
# ",same": at the port of the one before. "none": no socket, but /dev/null.
use strict;
use IO::Socket::IP;

$^F = 64;    # what is opened stays open over exec
my (@held, @said);
while (defined(my $word = shift @ARGV)) {
    last if $word eq '--';
    if ($word eq 'none') { open(my $null, '<', '/dev/null') or die; push @held, $null; next }
    my ($protocol, $host, $same) = $word =~ /^(udp|tcp)=([^,]+)(,same)?$/ or die "$word?";
    my $socket;
    # Not one that the kernel picks: connections have those, and it may be free for one protocol alone.
    for (1 .. 50) {
        $socket = IO::Socket::IP->new(
            LocalHost => $host,
            LocalPort => $same ? $held[-1]->sockport : 10000 + int(rand(20000)),
            Proto     => $protocol,
            Type      => $protocol eq 'tcp' ? Socket::SOCK_STREAM : Socket::SOCK_DGRAM,
            V6Only    => 1,
            ($protocol eq 'tcp' ? (Listen => 16) : ()),
        );
        last if $socket or $same;
    }
    $socket or die "$word: $@";
    push @held, $socket;
    push @said, $host =~ /:/ ? "[$host]:" . $socket->sockport : "$host:" . $socket->sockport;
}
fileno($held[$_]) == 3 + $_ or die "descriptor $_" for 0 .. $#held;
$| = 1;
print "@said\n";
$ENV{LISTEN_FDS} = @held;
$ENV{LISTEN_PID} = $$;
$ENV{LISTEN_FDNAMES} = join ':', map { 'test' } @held;
exec @ARGV or die;
