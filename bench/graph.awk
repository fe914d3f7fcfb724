# SPDX-License-Identifier: Apache-2.0
#
# graph.awk BARS grown=1 GROWN: draws an SVG out of two lists of bench.sh, separated
# by tabs: package, command, seconds; and kernels, CPU seconds, MiB.

BEGIN { FS = "\t" }

!grown {
    if (!($1 in first)) { first[$1] = n; group[++groups] = $1 }
    bars++
    of[bars] = $1; what[bars] = $2; took[bars] = $3
    if ($3 > longest) longest = $3
    n++
}

grown {
    points++
    kernels[points] = $1; seconds[points] = $2; mib[points] = $3
    if ($1 > mostKernels) mostKernels = $1
    if ($2 > mostSeconds) mostSeconds = $2
    if ($3 > mostMiB) mostMiB = $3
}

function text(x, y, s, more) { printf "<text x=\"%.1f\" y=\"%.1f\"%s>%s</text>\n", x, y, more, s }

# curve draws values over the numbers of kernels, in the box at x, y.
function curve(x, y, values, most, title, unit, color, i, px, py, line) {
    text(x, y - 10, title, " font-weight=\"bold\"")
    printf "<path d=\"M%d %dv140h300\" fill=\"none\" stroke=\"#888\"/>\n", x, y
    for (i = 1; i <= points; i++) {
        px = x + 280 * kernels[i] / mostKernels
        py = y + 140 - 125 * values[i] / most
        line = line (i == 1 ? "M" : "L") sprintf("%.1f %.1f", px, py)
        printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\"/>\n", px, py, color
        text(px, py - 8, sprintf(values[i] < 10 ? "%.1f" : "%.0f", values[i]) unit, " text-anchor=\"middle\" font-size=\"11\"")
        text(px, y + 156, kernels[i], " text-anchor=\"middle\" font-size=\"11\"")
    }
    printf "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>\n", line, color
}

END {
    color["check"] = "#1b6ac9"; color["check again"] = "#7fb2ee"
    height = 40 + groups * 24 + bars * 20 + (points ? 240 : 0)
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 760 %d\" width=\"760\" height=\"%d\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#222\">\n", height, height
    print "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
    y = 24
    text(10, y, "Seconds of wall clock, one kernel package", " font-weight=\"bold\"")
    for (g = 1; g <= groups; g++) {
        y += 24
        text(10, y, group[g])
        for (i = 1; i <= bars; i++) {
            if (of[i] != group[g]) continue
            y += 20
            c = what[i] in color ? color[what[i]] : "#b9b9b9"
            text(190, y, what[i], " text-anchor=\"end\" font-size=\"12\"")
            printf "<rect x=\"200\" y=\"%.1f\" width=\"%.1f\" height=\"14\" fill=\"%s\"/>\n", y - 11, 480 * took[i] / longest, c
            text(206 + 480 * took[i] / longest, y, sprintf("%.1f", took[i]), " font-size=\"12\"")
        }
    }
    if (points) {
        y += 60
        curve(40, y, seconds, mostSeconds, "CPU seconds, by kernels in one check", " s", "#1b6ac9")
        curve(410, y, mib, mostMiB, "Peak memory in MiB, likewise", "", "#c2571a")
    }
    print "</svg>"
}
