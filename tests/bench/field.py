"""Who takes part: Musubi with several algorithms and encapsulations, and the peers from Debian."""

from lib.suite import AES_CBC_SHA1, AES_CBC_SHA256, AES_GCM

from bench.contestants import Contestant, MusubiTunnel, NullPath, StrongSwanTunnel, WireguardGo

NATT = "ikev2 nat-traversal force\n"

VETH = "plain veth"
STRONGSWAN = "strongSwan"
WIREGUARD = "wireguard-go"
MUSUBI_NATT = "Musubi NAT-T"
MUSUBI_ESP = "Musubi ESP"
MUSUBI_NO_USO = "Musubi NAT-T, no UDP segmentation"
WIREGUARD_NO_USO = "wireguard-go, no UDP segmentation"
MUSUBI_CBC_SHA1 = "Musubi NAT-T, CBC SHA-1"
MUSUBI_CBC_SHA256 = "Musubi NAT-T, CBC SHA-256"

NULL_NATT = "null cipher, NAT-T"
NULL_ESP = "null cipher, ESP"

MAKERS = {
    VETH: Contestant,
    STRONGSWAN: lambda lab, name: StrongSwanTunnel(lab, name, AES_GCM),
    WIREGUARD: WireguardGo,
    MUSUBI_NATT: lambda lab, name: MusubiTunnel(lab, name, AES_GCM.lines + NATT),
    MUSUBI_ESP: lambda lab, name: MusubiTunnel(lab, name, AES_GCM.lines),
    MUSUBI_NO_USO: lambda lab, name: MusubiTunnel(lab, name, AES_GCM.lines + NATT).without_segmentation(),
    WIREGUARD_NO_USO: lambda lab, name: WireguardGo(lab, name).without_segmentation(),
    MUSUBI_CBC_SHA1: lambda lab, name: MusubiTunnel(lab, name, AES_CBC_SHA1.lines + NATT),
    MUSUBI_CBC_SHA256: lambda lab, name: MusubiTunnel(lab, name, AES_CBC_SHA256.lines + NATT),
    NULL_NATT: lambda lab, name: NullPath(lab, name, "u"),
    NULL_ESP: lambda lab, name: NullPath(lab, name, ""),
}
RIVALS = {STRONGSWAN: StrongSwanTunnel, WIREGUARD: WireguardGo, WIREGUARD_NO_USO: WireguardGo}


def start(bench, lab, *names):
    """Contestants with their tunnels up; rivals that are not installed are left out."""
    started = []
    for name in names:
        if name in RIVALS and not RIVALS[name].is_there():
            bench.say(f"{name} is not installed, and left out")
            continue
        started.append(MAKERS[name](lab, name).start())
    return started
