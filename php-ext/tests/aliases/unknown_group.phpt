--TEST--
viaduct.aliases: an unknown group is a warning at startup that names what is allowed
--EXTENSIONS--
viaduct
--INI--
viaduct.aliases=php-vai,opcache
--FILE--
<?php
echo "runs\n";
?>
--EXPECTF--
%AWarning: viaduct.aliases: "php-vai" is unknown; allowed are php-via, zealphp, openswoole, opcache and ephpm, separated by commas in Unknown on line 0
runs
