#!/usr/bin/perl
# A bad wire between two ports of its own: frames come out late, not at all, or no faster than a rate; both ways.
# Not tc's netem, which many kernels lack. In Perl because Node can't open a port, and every Debian has this.
#   bad-wire.pl <port> <port> <delay in ms> <loss in percent> <rate in kbit/s, 0 for any>
# Says "up" when both ports are there; they go with the process.
use strict;
use warnings;
use Fcntl qw(O_RDWR);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

# linux/if_tun.h; IFF_TAP | IFF_NO_PI: whole Ethernet frames, and nothing before them.
use constant { TUNSETIFF => 0x400454ca, FLAGS => 0x0002 | 0x1000 };
# Frames that wait longer for their turn are dropped, as a full queue does.
use constant MAX_QUEUE_S => 1;
use constant MAX_FRAME_BYTES => 65536;

my ($first, $second, $delay_ms, $loss_percent, $rate_kbit) = @ARGV;
my @ports = map { port($_) } ($first, $second);
my @queues = ([], []);    # [when it is due, frame], by the port that it came from
my @idle_at = (0, 0);     # when the wire has sent all that came from the port

$| = 1;
print "up\n";

while (1) {
    my $now = clock_gettime(CLOCK_MONOTONIC);
    my $wait;
    for my $from (0, 1) {
        my $queue = $queues[$from];
        syswrite($ports[1 - $from], (shift @$queue)->[1]) while @$queue && $queue->[0][0] <= $now;
        next unless @$queue;
        my $left = $queue->[0][0] - $now;
        $wait = $left if !defined $wait || $left < $wait;
    }
    my $ready = '';
    vec($ready, fileno($_), 1) = 1 for @ports;
    next if select($ready, undef, undef, $wait) <= 0;
    for my $from (0, 1) {
        take($from) if vec($ready, fileno($ports[$from]), 1);
    }
}

sub take {
    my ($from) = @_;
    my $frame;
    return unless sysread($ports[$from], $frame, MAX_FRAME_BYTES);
    return if rand(100) < $loss_percent;
    my $now = clock_gettime(CLOCK_MONOTONIC);
    my $turn = $idle_at[$from] > $now ? $idle_at[$from] : $now;
    return if $turn - $now > MAX_QUEUE_S;
    $turn += length($frame) * 8 / ($rate_kbit * 1000) if $rate_kbit > 0;
    $idle_at[$from] = $turn;
    push @{ $queues[$from] }, [$turn + $delay_ms / 1000, $frame];
}

sub port {
    my ($name) = @_;
    sysopen(my $port, '/dev/net/tun', O_RDWR) or die "/dev/net/tun: $!\n";
    ioctl($port, TUNSETIFF, pack('a16 s x22', $name, FLAGS)) or die "port $name: $!\n";
    return $port;
}
