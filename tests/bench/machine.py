"""What the figures were obtained on."""
import os
import platform
import re
import statistics
import subprocess
import time

SYNCS = 50


def first_match(path, pattern):
    try:
        with open(path, encoding="utf-8") as file:
            found = re.search(pattern, file.read(), re.M)
    except OSError:
        return "unknown"
    return found.group(1).strip() if found else "unknown"


def sync_ms(folder):
    """What it takes to append 4 KiB and have them on the disk."""
    path, times = os.path.join(folder, "sync"), []
    with open(path, "wb", buffering=0) as file:
        for _ in range(SYNCS):
            start = time.monotonic()
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            times.append(time.monotonic() - start)
    os.unlink(path)
    return statistics.median(times) * 1000


def describe(folder):
    disk = subprocess.run(["df", "--output=fstype,source", folder], capture_output=True, text=True, check=False).stdout
    return {
        "processor": first_match("/proc/cpuinfo", r"^model name\s*:\s*(.*)$"),
        "cores": os.cpu_count(),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        "system": f"{first_match('/etc/os-release', '^PRETTY_NAME=.(.*).$')}, {platform.system()} {platform.release()}",
        "disk": " ".join(disk.split("\n")[1].split()) if "\n" in disk else "unknown",
        "sync_ms": round(sync_ms(folder), 3),
        "load_before": round(os.getloadavg()[0], 2),
    }
