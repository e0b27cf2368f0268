#!/usr/bin/perl
# Serve the answers that application.py describes with Perl's SCGI module, one request after the
# other, on the Unix socket of argv. `do=silent` ends the connection without an answer, and
# `do=status_line` answers with an HTTP status line instead of a Status field.
use strict;
use warnings;

use IO::Socket::UNIX;
use JSON::PP;
use SCGI;
use Time::HiRes qw(sleep time);

$SIG{PIPE} = 'IGNORE';

my $block         = 65536;
my $large_blocks  = 320;
my $release_bound = 30;    # seconds
my $json          = JSON::PP->new->ascii->canonical;

sub value_of {
    my ($query, $name) = @_;
    return $query =~ /(?:^|&)\Q$name\E=([^&]*)/ ? $1 : '';
}

sub pieces {
    my ($out, $token) = @_;
    print $out "Content-Type: text/plain\n\nfirst\n";
    $out->flush;
    my $end = time + $release_bound;
    until (-e "$ENV{RELEASE_DIRECTORY}/$token") {
        if (time > $end) {
            print $out "nobody let the second piece go\n";
            return;
        }
        sleep 0.01;
    }
    print $out "second\n";
}

sub large {
    my ($out, $length) = @_;
    print $out "Content-Type: application/octet-stream\n";
    printf $out "Content-Length: %d\n", $block * $large_blocks if $length;
    print $out "\n";
    for my $number (0 .. $large_blocks - 1) {
        print $out pack('Q>', $number) x ($block / 8);
    }
}

sub echo {
    my ($out, $length) = @_;
    my $body = '';
    read $out, $body, $length if $length;
    printf $out "Content-Type: application/octet-stream\nContent-Length: %d\n\n", length $body;
    print $out $body;
}

my $text    = "Content-Type: text/plain\n";
my %answers = (
    missing     => "Status: 404 Not Found\n$text\nno such thing\n",
    cookies     => "${text}Set-Cookie: a=1; Path=/\nSet-Cookie: b=2, still b; Path=/\n\nbaked\n",
    early       => "Status: 413 Content Too Large\n$text\ntoo much\n",
    nothing     => "Status: 204 No Content\nX-Kept: yes\n\n",
    short       => "${text}Content-Length: 100\n\nten bytes\n",
    status_line => "HTTP/1.0 299 Mostly Fine\ncontent-TYPE: text/plain\n\nstatus line\n",
    silent      => '',
);

sub answer {
    my ($out, $env) = @_;
    my $query = $env->{QUERY_STRING} // '';
    my $do    = value_of($query, 'do');
    if (exists $answers{$do}) { print $out $answers{$do} }
    elsif ($do eq 'echo')   { echo($out, $env->{CONTENT_LENGTH}) }
    elsif ($do eq 'large')  { large($out, value_of($query, 'length')) }
    elsif ($do eq 'pieces') { pieces($out, value_of($query, 'token')) }
    elsif ($do eq 'redirect') {
        my $to = value_of($query, 'to');
        $to =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
        print $out "Status: 302 Found\nLocation: $to\n$text\nover there\n";
    }
    else { print $out "Content-Type: application/json\n\n", $json->encode($env) }
}

my $listener = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 64)
    or die "cannot listen on $ARGV[0]: $!";
my $scgi = SCGI->new($listener, blocking => 1);
while (my $request = $scgi->accept) {
    eval { $request->read_env; answer($request->connection, $request->env); 1 }
        or warn "request refused: $@";
    $request->close;
}
