"""09 Twenty VIPs: the surplus left out, and only one of the two files changed."""

from tests.notebooks.wrong import Wrong

WRONG = {
    "excluded": (
        Wrong(
            "for host in lab.servers:\n"
            "    change(lab, host, virtual_ipaddress=advert_size.vips(20)); lab.reload(host)",
            hint="192.168.1.120, .* is in neither list",
        ),
        Wrong(
            "names = advert_size.vips(23)\n"
            "change(lab, 'web1', virtual_ipaddress=names[:20],\n"
            "       virtual_ipaddress_excluded=names[20:])\n"
            "lab.reload('web1')",
            hint="20 \\(web1\\) and 23 \\(web2\\)",
        ),
    )
}
